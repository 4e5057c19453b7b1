import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asOf, type KnownAt } from '../../src/core/as-of.ts';
import type { JoinKey } from '../../src/core/entity.ts';
import type { FeatureRow } from '../../src/core/rows.ts';
import { addDuration, formatTime, latest, type Micros } from '../../src/core/time.ts';
import type { KeyValue } from '../../src/core/value-type.ts';
import type { AsOfView, Spine } from '../../src/offline/as-of-engine.ts';
import { knownAt, time, type ViewCase, viewCase } from './as-of-cases.ts';
import { type AsOfWorld, writeView } from './as-of-engine.ts';

/** As an engine may call its own columns, so that names are tried on the way. */
const KEYS: readonly (readonly JoinKey[])[] = [
  [
    { name: 't', type: 'string' },
    { name: 'k0', type: 'int64' },
  ],
  [{ name: 'seen', type: 'int64' }],
  [],
];

const sharing = (joinKeys: readonly JoinKey[]) =>
  fc.tuple(...[1, 2].map(() => viewCase({ joinKeys, spineColumns: joinKeys.map(({ name }) => name) })));

/** Entity rows that are the views' own, of a range; every as-of engine passes this. */
export function describeAsOfRanges(name: string, world: () => AsOfWorld, runs: number): void {
  describe(`the as-of join of ${name}, of a range without entity rows`, () => {
    test('has one row for each moment something new was seen, in order, and each as the reference sees it', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...KEYS).chain(sharing),
          knownAt,
          time,
          time,
          async (generated, known, one, other) => {
            // Rows that end, and labels, are not what a range is of.
            const cases = generated.map(
              ({ horizon: _, validity: __, ...view }): ViewCase => ({ ...view, validity: false }),
            );
            const { engine, outputPath, read } = world();
            const written = await Promise.all(cases.map((view, index) => writeView(world(), view, index)));
            const views = written.map(({ view }) => view);
            const [from, to] = one < other ? [one, other] : [other, one];
            const spine: Spine = {
              kind: 'range',
              from: formatTime(from),
              to: formatTime(to),
              timestampField: 'at',
              rows: { joinKeys: views[0]?.joinKeys ?? [], knownAt: known, views },
            };
            const moments = expectedMoments(written, { from, to, known });
            const { rows: described, span } = await engine.describeSpine(spine);
            expect(described).toBe(moments.length);
            expect(span?.first).toBe(
              moments.reduce<Micros | undefined>(
                (a, { time: b }) => (a === undefined || b < a ? b : a),
                undefined,
              ),
            );
            const path = outputPath();
            await engine.join({ spine, views, knownAt: known, path });
            const output = await read(path);
            const names = views[0]?.joinKeys.map((key) => key.name) ?? [];
            expect(output.map((row) => [...names.map((key) => row[key]), row.at])).toEqual(
              moments.map(({ key, time: at }) => [...key, at]),
            );
            for (const [index, view] of cases.entries()) {
              const winners = asOf(moments, written[index]?.rows ?? [], { ...view, knownAt: known });
              expect(output.map((row) => row[`v${index}_row_id`])).toEqual(
                winners.map((winner) => winner?.values[0] ?? null),
              );
            }
          },
        ),
        { numRuns: runs },
      );
    });
  });
}

interface Moment {
  readonly key: readonly KeyValue[];
  readonly time: Micros;
}

function expectedMoments(
  written: readonly { readonly view: AsOfView; readonly rows: readonly FeatureRow[] }[],
  { from, to, known }: { readonly from: Micros; readonly to: Micros; readonly known: KnownAt },
): readonly Moment[] {
  const found = new Map<string, Moment>();
  for (const { view, rows } of written) {
    for (const { key, eventTime, createdTime } of rows) {
      if (eventTime < from || eventTime >= to) continue;
      if (known.kind === 'cutoff' && createdTime > known.at) continue;
      const complete = addDuration(eventTime, view.dataDelay);
      const moment = known.kind === 'row' ? latest(complete, createdTime) : complete;
      found.set(`${key.map((part) => `${String(part).length} ${part}`).join(' ')} ${moment}`, {
        key,
        time: moment,
      });
    }
  }
  return [...found.values()].toSorted((a, b) => {
    for (const [index, part] of a.key.entries()) {
      const order = compare(part, b.key[index] ?? '');
      if (order !== 0) return order;
    }
    return compare(a.time, b.time);
  });
}

/** Text by its bytes. */
function compare(a: KeyValue, b: KeyValue): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}
