import { describe, expect, test } from 'vitest';
import type { JoinKey } from '../../src/core/entity.ts';
import { durationOf, type Micros, micros, timeOf } from '../../src/core/time.ts';
import type { Value } from '../../src/core/value-type.ts';
import type { AsOfView } from '../../src/offline/as-of-engine.ts';
import type { AsOfWorld } from './as-of-engine.ts';

const HOUR = 3_600_000_000n;
const at = (hour: number): Micros => micros(timeOf('2026-03-29') + BigInt(hour) * HOUR);

/**
 * What an engine may call its own columns, tables and helpers. Definitions refuse names that begin with two
 * underscores (a view's columns), while a spine's columns may be called anything.
 */
const INTERNAL = [
  'rowid',
  'id',
  't',
  't0',
  's',
  'f',
  'k',
  'k0',
  'f0',
  'c0',
  'b',
  'o',
  'e',
  'c',
  'r',
  'lag',
  'rows',
  'slices',
  'filename',
  'file_name',
  'select',
  'with space',
  'quo"te',
  'ünïcode',
];
const UNDERSCORED = [
  '__event_time',
  '__created_time',
  '__interval_end',
  '__valid_to',
  '__revision',
  '__spine',
  '__file',
];

/** Names decide nothing but names (rules 7 and 8 of the port); every as-of engine passes this. */
export function describeAsOfNames(name: string, world: () => AsOfWorld): void {
  async function written(
    keys: readonly JoinKey[],
    features: readonly string[],
    rows: readonly {
      readonly key: readonly number[];
      readonly hour: number;
      readonly values: readonly Value[];
    }[],
    more: Partial<AsOfView> = {},
  ): Promise<AsOfView> {
    const specs = features.map((feature) => ({ name: feature, type: 'int64' as const, description: '' }));
    const path = await world().writeFeatures(
      { joinKeys: keys, features: specs },
      rows.map(({ key, hour, values }) => ({
        key: key.map(BigInt),
        eventTime: at(hour),
        // Some later than others, so that the engine must tell them apart by more than the event time.
        createdTime: micros(at(hour) + (hour % 2 === 0 ? HOUR : 0n)),
        intervalEnd: at(24),
        values,
      })),
    );
    return {
      view: 'named',
      version: 1,
      joinKeys: keys,
      spineColumns: keys.map((key) => key.name),
      features: specs.map((feature) => ({ feature, output: feature.name })),
      ttl: durationOf('10h'),
      dataDelay: durationOf('1h'),
      slices: [{ path, revision: 0, range: { start: at(0), end: at(24) } }],
      ...more,
    };
  }

  async function joined(
    spine: Awaited<ReturnType<AsOfWorld['writeSpine']>>,
    views: readonly AsOfView[],
    knownAt: 'any' | 'row' = 'row',
  ) {
    const path = world().outputPath();
    await world().engine.join({ spine, views, knownAt: { kind: knownAt }, path });
    return world().read(path);
  }

  describe(`names in the as-of join of ${name}`, () => {
    test.each(['any', 'row'] as const)(
      'features and join keys may be called as the engine calls its own columns (known at %s)',
      async (knownAt) => {
        for (const own of INTERNAL) {
          const keys: readonly JoinKey[] = [{ name: own, type: 'int64' }];
          const others = INTERNAL.filter((other) => other !== own);
          const view = await written(keys, others, [
            { key: [1], hour: 1, values: others.map((_, index) => BigInt(index)) },
            { key: [1], hour: 2, values: others.map((_, index) => BigInt(index + 100)) },
            { key: [2], hour: 3, values: others.map(() => null) },
          ]);
          const spine = await world().writeSpine({ label: 'BIGINT', [own]: 'BIGINT', at: 'TIMESTAMP' }, [
            [0n, 1n, at(4)],
            [1n, 1n, at(2)],
            [2n, 2n, at(4)],
            [3n, null, at(4)],
          ]);
          const rows = await joined(spine, [view], knownAt);
          expect(Object.keys(rows[0] ?? {})).toEqual(['label', own, 'at', ...others]);
          const valuesOf = (row: number) => others.map((other) => rows[row]?.[other]);
          expect(valuesOf(0)).toEqual(others.map((_, index) => BigInt(index + 100)));
          expect(valuesOf(1)).toEqual(others.map((_, index) => BigInt(index)));
          expect(valuesOf(2)).toEqual(others.map(() => null));
          expect(valuesOf(3)).toEqual(others.map(() => null));
        }
      },
    );

    test('spine columns may be called anything, and come through as they are', async () => {
      const names = [...INTERNAL, ...UNDERSCORED];
      const view = await written(
        [{ name: 'user', type: 'int64' }],
        ['score'],
        [{ key: [7], hour: 1, values: [70n] }],
      );
      const spine = await world().writeSpine(
        { ...Object.fromEntries(names.map((one) => [one, 'VARCHAR'])), user: 'BIGINT', at: 'TIMESTAMP' },
        [
          [...names.map((one) => `first ${one}`), 7n, at(2)],
          [...names.map((one) => `second ${one}`), 8n, at(2)],
        ],
      );
      const rows = await joined(spine, [view]);
      for (const [row, which] of ['first', 'second'].entries()) {
        expect(names.map((one) => rows[row]?.[one])).toEqual(names.map((one) => `${which} ${one}`));
      }
      expect(rows.map(({ score }) => score)).toEqual([70n, null]);
    });

    test.each([
      ['score', 'score'],
      ['Score', 'score'],
      ['SCORE', 'Score'],
    ])('a spine column "%s" and a feature "%s" are refused, both by name', async (column, feature) => {
      const view = await written([{ name: 'user', type: 'int64' }], [feature], []);
      const spine = await world().writeSpine({ user: 'BIGINT', [column]: 'BIGINT', at: 'TIMESTAMP' }, []);
      await expect(joined(spine, [view])).rejects.toMatchObject({
        code: 'SPINE_INVALID',
        message: expect.stringContaining(`its column "${column}" and feature "${feature}" of named@v1`),
      });
    });

    test('one view is joined under several prefixes, each by its own columns of the spine', async () => {
      const view = await written(
        [
          { name: 'k0', type: 'int64' },
          { name: 't', type: 'int64' },
        ],
        ['f0'],
        [
          { key: [1, 23], hour: 1, values: [1n] },
          { key: [12, 3], hour: 1, values: [2n] },
          { key: [3, 12], hour: 1, values: [3n] },
        ],
      );
      const as = (prefix: string, spineColumns: readonly string[]): AsOfView => ({
        ...view,
        spineColumns,
        features: view.features.map(({ feature }) => ({ feature, output: `${prefix}${feature.name}` })),
      });
      const spine = await world().writeSpine({ a: 'BIGINT', b: 'BIGINT', at: 'TIMESTAMP' }, [
        [12n, 3n, at(2)],
        [1n, 23n, at(2)],
        [3n, null, at(2)],
      ]);
      const rows = await joined(spine, [
        as('', ['a', 'b']),
        as('back_', ['b', 'a']),
        as('same_', ['a', 'a']),
      ]);
      expect(rows.map(({ f0, back_f0, same_f0 }) => [f0, back_f0, same_f0])).toEqual([
        [2n, 3n, null],
        [1n, null, null],
        [null, null, null],
      ]);
    });

    test('several versions of one view stand side by side', async () => {
      const keys: readonly JoinKey[] = [{ name: 'user', type: 'int64' }];
      const one = await written(keys, ['score'], [{ key: [1], hour: 1, values: [10n] }]);
      const two = await written(keys, ['score'], [{ key: [1], hour: 2, values: [20n] }], { version: 2 });
      const as = (view: AsOfView): AsOfView => ({
        ...view,
        features: view.features.map(({ feature }) => ({ feature, output: `named@v${view.version}__score` })),
      });
      const spine = await world().writeSpine({ user: 'BIGINT', at: 'TIMESTAMP' }, [
        [1n, at(2)],
        [1n, at(3)],
      ]);
      expect(
        (await joined(spine, [as(one), as(two)], 'any')).map((row) => [
          row['named@v1__score'],
          row['named@v2__score'],
        ]),
      ).toEqual([
        [10n, null],
        [10n, 20n],
      ]);
      await expect(joined(spine, [one, two])).rejects.toMatchObject({
        code: 'SPINE_INVALID',
        message: expect.stringContaining('"score" of named@v1 and feature "score" of named@v2'),
      });
    });
  });
}
