import { describe, expect, test } from 'vitest';
import { micros } from '../../../core/time.ts';
import type { RevisedSlice } from '../../feature-reader.ts';
import type { FileRecency } from '../file-recency.ts';
import { recencyOfSlices } from './recency-of-slices.ts';

const file: FileRecency = {
  distinct: true,
  lag: { least: 0n, most: 5n },
  eventUnit: 1_000_000n,
  lagUnit: 1_000_000n,
};

interface Given {
  readonly path: string;
  readonly events: readonly [bigint, bigint];
  readonly range?: readonly [bigint, bigint];
  readonly told?: Partial<FileRecency> | null;
}

function of(...given: readonly Given[]) {
  const slices = given.map(
    ({ path, range }): RevisedSlice => ({
      path,
      revision: 0,
      ...(range !== undefined && { range: { start: micros(range[0]), end: micros(range[1]) } }),
    }),
  );
  return recencyOfSlices(slices, {
    eventTimes: new Map(given.map(({ path, events: [least, most] }) => [path, { least, most }])),
    recency: new Map(
      given.flatMap(({ path, told }) => (told === null ? [] : [[path, { ...file, ...told }]])),
    ),
  });
}

describe('of some slices', () => {
  test('bounds hold for all, and the finer unit', () => {
    expect(
      of(
        { path: 'a', events: [10n, 20n], told: { lag: { least: 1n, most: 9n } } },
        { path: 'b', events: [30n, 40n], told: { lag: { least: -2n, most: 4n }, lagUnit: 1n } },
      ),
    ).toEqual({
      event: { least: 10n, most: 40n },
      lag: { least: -2n, most: 9n },
      eventUnit: 1_000_000n,
      lagUnit: 1n,
      distinct: true,
    });
  });

  test('nothing is known when one file tells nothing, or when there is none', () => {
    expect(of({ path: 'a', events: [1n, 2n] }, { path: 'b', events: [3n, 4n], told: null })).toBeNull();
    expect(of()).toBeNull();
  });

  test.each<[string, boolean, readonly Given[]]>([
    [
      'are, in files one after another',
      true,
      [
        { path: 'b', events: [21n, 30n] },
        { path: 'a', events: [10n, 20n] },
      ],
    ],
    [
      'may not be, where one begins when another ends',
      false,
      [
        { path: 'a', events: [10n, 20n] },
        { path: 'b', events: [20n, 30n] },
      ],
    ],
    [
      'may not be, in one file within another',
      false,
      [
        { path: 'a', events: [10n, 90n] },
        { path: 'b', events: [20n, 30n] },
      ],
    ],
    [
      'may not be, where the longest file is not the one before',
      false,
      [
        { path: 'a', events: [10n, 90n], range: [0n, 90n] },
        { path: 'a', events: [10n, 90n], range: [20n, 30n] },
        { path: 'b', events: [40n, 50n] },
      ],
    ],
    [
      'may not be, in a file that says so',
      false,
      [{ path: 'a', events: [10n, 20n], told: { distinct: false } }],
    ],
    [
      'are, where what another file took the place of is left out',
      true,
      [
        { path: 'a', events: [10n, 90n], range: [0n, 30n] },
        { path: 'b', events: [31n, 49n] },
        { path: 'a', events: [10n, 90n], range: [50n, 100n] },
      ],
    ],
  ])('rows %s distinct by event time', (_, distinct, given) => {
    expect(of(...given)?.distinct).toBe(distinct);
  });
});
