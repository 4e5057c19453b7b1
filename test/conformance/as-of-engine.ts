import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asOf, type KnownAt } from '../../src/core/as-of.ts';
import type { JoinKey } from '../../src/core/entity.ts';
import type { FeatureSpec } from '../../src/core/feature-view.ts';
import type { FeatureRow } from '../../src/core/rows.ts';
import { type DurationMicros, type Micros, micros, timeOf } from '../../src/core/time.ts';
import type { KeyValue, Value } from '../../src/core/value-type.ts';
import type { AsOfEngine, AsOfView, Spine } from '../../src/offline/as-of-engine.ts';
import type { RevisedSlice } from '../../src/offline/feature-reader.ts';

/** A row of an offline file, with the tick its interval ends at. */
export interface FileRow {
  readonly key: readonly KeyValue[];
  readonly eventTime: Micros;
  readonly createdTime: Micros;
  readonly intervalEnd: Micros;
  readonly values: readonly Value[];
}

/** What an adapter gives to be tested: itself, and the files it reads and writes. */
export interface AsOfWorld {
  readonly engine: AsOfEngine;
  /** Writes an offline file and returns its path, relative to the offline root. */
  writeFeatures(
    shape: { readonly joinKeys: readonly JoinKey[]; readonly features: readonly FeatureSpec[] },
    rows: readonly FileRow[],
  ): Promise<string>;
  /** Writes a Parquet spine of SQL-typed columns. */
  writeSpine(columns: Readonly<Record<string, string>>, rows: readonly (readonly Value[])[]): Promise<Spine>;
  outputPath(): string;
  /** Rows of a written file in its order. */
  read(path: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

const HOUR = 3_600_000_000n;
const BASE = timeOf('2026-03-29T00:00:00Z');
/** Ticks of the views under test; ranges of slices begin and end on them. */
const TICK = 4n * HOUR;
/** The payload names the row, so equal values cannot hide a wrong winner. */
const FEATURES: readonly FeatureSpec[] = [
  { name: 'row_id', type: 'int64', description: '' },
  { name: 'note', type: 'string', description: '' },
];

interface ViewCase {
  readonly joinKeys: readonly JoinKey[];
  readonly spineColumns: readonly string[];
  readonly ttl: DurationMicros | null;
  readonly dataDelay: DurationMicros;
  readonly files: readonly { readonly rows: readonly FileRow[]; readonly slices: readonly Cut[] }[];
}

interface Cut {
  readonly revision: number;
  /** In ticks from the base; undefined for all of the file. */
  readonly range: { readonly from: number; readonly to: number } | undefined;
}

const hours = (least: number, most: number) => fc.integer({ min: least, max: most });
/** On the hour, or one microsecond off it: where inclusive and exclusive differ. */
const time = fc
  .tuple(hours(0, 14), fc.constantFrom(-1n, 0n, 0n, 0n, 1n))
  .map(([hour, off]) => micros(BASE + BigInt(hour) * HOUR + off));
const duration = (least: number, most: number) =>
  fc
    .tuple(hours(least, most), fc.constantFrom(0n, 0n, 1n))
    .map(([hour, off]) => (BigInt(hour) * HOUR + off) as DurationMicros);

/** Keys that a careless join takes for one another: (1, 23) and (12, 3), an empty string and a null. */
const TEXTS = ['1', '12', '', 'ä'] as const;
const NUMBERS = [3n, 23n, -1n] as const;
const keyOf = { string: fc.constantFrom(...TEXTS), int64: fc.constantFrom(...NUMBERS), int32: hours(1, 3) };

const KEYED: readonly Pick<ViewCase, 'joinKeys' | 'spineColumns'>[] = [
  {
    joinKeys: [
      { name: 'place', type: 'string' },
      { name: 'number', type: 'int64' },
    ],
    spineColumns: ['place', 'number'],
  },
  { joinKeys: [{ name: 'number', type: 'int64' }], spineColumns: ['number'] },
  { joinKeys: [{ name: 'number', type: 'int64' }], spineColumns: ['other'] },
  { joinKeys: [{ name: 'small', type: 'int32' }], spineColumns: ['small'] },
  { joinKeys: [], spineColumns: [] },
];

/** Lags that are all alike (no ties are possible), or that make ties, late rows and rows written ahead. */
const lags = fc.constantFrom<readonly bigint[]>([0n], [HOUR], [0n, HOUR, 3n * HOUR + 1n, -HOUR]);

function viewCase(shape: Pick<ViewCase, 'joinKeys' | 'spineColumns'>): fc.Arbitrary<ViewCase> {
  const key = fc.tuple(...shape.joinKeys.map(({ type }) => keyOf[type as keyof typeof keyOf]));
  return lags.chain((some) => {
    const row = fc
      .tuple(key, time, fc.constantFrom(...some), fc.boolean(), fc.option(fc.constant('x')))
      .map(([of, eventTime, lag, onTick, note]) => ({
        key: of as readonly KeyValue[],
        eventTime,
        createdTime: micros(eventTime + lag),
        intervalEnd: tickFrom(eventTime, onTick),
        values: [0n, note] as readonly Value[],
      }));
    const rows = fc.uniqueArray(row, {
      maxLength: 25,
      selector: ({ key: of, eventTime, createdTime }) => `${of.join('|')} ${eventTime} ${createdTime}`,
    });
    const cuts = fc.oneof(
      fc.constant([undefined]),
      fc.tuple(hours(-1, 2), hours(1, 4)).map(([from, width]) => [{ from, to: from + width }]),
      fc.constant([
        { from: -1, to: 1 },
        { from: 2, to: 5 },
      ]),
    );
    return fc.record({
      joinKeys: fc.constant(shape.joinKeys),
      spineColumns: fc.constant(shape.spineColumns),
      ttl: fc.option(duration(0, 6)),
      dataDelay: fc.oneof(fc.constant(0n as DurationMicros), duration(0, 3)),
      // Every file has a revision of its own, so no two rows are the same write.
      files: fc.array(fc.tuple(rows, cuts), { maxLength: 3 }).map((files) =>
        files.map(([of, ranges], revision) => ({
          rows: of,
          slices: ranges.map((range) => ({ revision, range })),
        })),
      ),
    });
  });
}

function tickFrom(event: Micros, onTick: boolean): Micros {
  const past = (((event - BASE) % TICK) + TICK) % TICK;
  if (past === 0n && onTick) return event;
  return micros(event - past + TICK);
}

const knownAt: fc.Arbitrary<KnownAt> = fc.oneof(
  fc.constant<KnownAt>({ kind: 'any' }),
  fc.constant<KnownAt>({ kind: 'row' }),
  time.map((at): KnownAt => ({ kind: 'cutoff', at })),
);

const entityRow = fc.record({
  place: fc.option(keyOf.string, { freq: 6 }),
  number: fc.option(keyOf.int64, { freq: 6 }),
  other: fc.option(keyOf.int64, { freq: 6 }),
  small: fc.option(keyOf.int32, { freq: 6 }),
  at: time,
});

/** `at` is naive or zoned; the narrower and the wider integer type stand for the other. */
const SPINE = { place: 'VARCHAR', number: 'INTEGER', other: 'BIGINT', small: 'BIGINT', label: 'DOUBLE' };

/** The suite that every as-of engine passes (DESIGN 7, rules 1 to 8). */
export function describeAsOfEngine(name: string, world: () => AsOfWorld, runs: number): void {
  describe(`the as-of join of ${name}`, () => {
    test('gives every entity row the row that the reference gives it', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(entityRow, { maxLength: 30 }),
          fc.tuple(...KEYED.map(viewCase)),
          knownAt,
          fc.constantFrom('TIMESTAMP', 'TIMESTAMPTZ'),
          async (spineRows, views, known, timeType) => {
            const { engine, writeSpine, outputPath, read } = world();
            const rows = [...spineRows, ...spineRows.slice(0, 2)];
            const spine = await writeSpine(
              { ...SPINE, at: timeType },
              rows.map(({ place, number, other, small, at }, index) => [
                place,
                number,
                other,
                small,
                index,
                at,
              ]),
            );
            const written = await Promise.all(views.map((view, index) => writeView(world(), view, index)));
            const path = outputPath();
            const result = await engine.join({
              spine,
              views: written.map(({ view }) => view),
              knownAt: known,
              path,
            });
            const output = await read(path);
            expect(result.rows).toBe(rows.length);
            expect(output.map(({ label }) => label)).toEqual(rows.map((_, index) => index));
            for (const [index, view] of views.entries()) {
              const winners = asOf(
                rows.map((row) => ({
                  key: view.spineColumns.map((column) => {
                    const value = row[column as 'place'] as KeyValue | null;
                    return view.joinKeys[0]?.type === 'int32' && value !== null ? Number(value) : value;
                  }),
                  time: row.at,
                })),
                written[index]?.rows ?? [],
                { ttl: view.ttl, dataDelay: view.dataDelay, knownAt: known },
              );
              const expected = winners.map((winner) => winner?.values[0] ?? null);
              expect(output.map((row) => row[`v${index}_row_id`])).toEqual(expected);
              expect(output.map((row) => row[`v${index}_note`])).toEqual(
                winners.map((winner) => winner?.values[1] ?? null),
              );
              expect(result.nulls[`v${index}_row_id`]).toBe(
                expected.filter((value) => value === null).length,
              );
            }
          },
        ),
        { numRuns: runs },
      );
    });
  });
}

/** Writes a view's files; `rows` are those that count, as the reference takes them. */
async function writeView(
  { writeFeatures }: AsOfWorld,
  { joinKeys, spineColumns, ttl, dataDelay, files }: ViewCase,
  number: number,
): Promise<{ readonly view: AsOfView; readonly rows: readonly FeatureRow[] }> {
  const slices: RevisedSlice[] = [];
  const counted: FeatureRow[] = [];
  for (const [index, file] of files.entries()) {
    const rows = file.rows.map((row, at) => ({
      ...row,
      values: [BigInt(index * 1000 + at + 1), ...row.values.slice(1)],
    }));
    const path = await writeFeatures({ joinKeys, features: FEATURES }, rows);
    for (const { revision, range } of file.slices) {
      const bounds =
        range === undefined
          ? undefined
          : {
              start: micros(BASE + BigInt(range.from) * TICK),
              end: micros(BASE + BigInt(range.to) * TICK),
            };
      slices.push({ path, revision, ...(bounds === undefined ? {} : { range: bounds }) });
      counted.push(
        ...rows
          .filter(
            ({ intervalEnd }) =>
              bounds === undefined || (intervalEnd > bounds.start && intervalEnd <= bounds.end),
          )
          .map((row) => ({ ...row, revision })),
      );
    }
  }
  const features = FEATURES.map((feature) => ({ feature, output: `v${number}_${feature.name}` }));
  const view = {
    view: `view_${number}`,
    version: 1,
    joinKeys,
    spineColumns,
    features,
    ttl,
    dataDelay,
    slices,
  };
  return { view, rows: counted };
}
