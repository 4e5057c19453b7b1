import fc from 'fast-check';
import type { KnownAt } from '../../src/core/as-of.ts';
import type { JoinKey } from '../../src/core/entity.ts';
import type { FeatureSpec } from '../../src/core/feature-view.ts';
import { type DurationMicros, type Micros, micros, timeOf } from '../../src/core/time.ts';
import type { KeyValue, Value } from '../../src/core/value-type.ts';

/** A row of an offline file, with the tick its interval ends at. */
export interface FileRow {
  readonly key: readonly KeyValue[];
  readonly eventTime: Micros;
  readonly createdTime: Micros;
  readonly intervalEnd: Micros;
  readonly values: readonly Value[];
  /** Only in files of views with validity; null: without end. */
  readonly validTo?: Micros | null;
}

const HOUR = 3_600_000_000n;
export const BASE = timeOf('2026-03-29T00:00:00Z');
/** Ticks of the views under test; ranges of slices begin and end on them. */
export const TICK = 4n * HOUR;
/** The payload names the row, so equal values cannot hide a wrong winner. */
export const FEATURES: readonly FeatureSpec[] = [
  { name: 'row_id', type: 'int64', description: '' },
  { name: 'note', type: 'string', description: '' },
];

export interface ViewCase {
  readonly joinKeys: readonly JoinKey[];
  readonly spineColumns: readonly string[];
  readonly recencyIsTold: boolean;
  readonly ttl: DurationMicros | null;
  readonly dataDelay: DurationMicros;
  readonly horizon?: DurationMicros;
  readonly validity?: boolean;
  readonly files: readonly FileCase[];
}

export interface FileCase {
  readonly rows: readonly FileRow[];
  readonly slices: readonly Cut[];
  /** Whether other files have taken its place since. */
  readonly replaced: boolean;
}

export interface Cut {
  readonly revision: number;
  /** In ticks from the base; undefined for all of the file. */
  readonly range: { readonly from: number; readonly to: number } | undefined;
}

const hours = (least: number, most: number) => fc.integer({ min: least, max: most });
/** On the hour, or one microsecond off it: where inclusive and exclusive differ. */
export const time = fc
  .tuple(hours(0, 14), fc.constantFrom(-1n, 0n, 0n, 0n, 1n))
  .map(([hour, off]) => micros(BASE + BigInt(hour) * HOUR + off));
const duration = (least: number, most: number) =>
  fc
    .tuple(hours(least, most), fc.constantFrom(0n, 0n, 1n))
    .map(([hour, off]) => (BigInt(hour) * HOUR + off) as DurationMicros);

/** Keys that a careless join takes for one another: (1, 23) and (12, 3), an empty string and a null. */
const TEXTS = ['1', '12', '', 'ä'] as const;
const NUMBERS = [3n, 23n, -1n] as const;
const keyOf = { string: fc.constantFrom(...TEXTS), int64: fc.constantFrom(...NUMBERS), int32: hours(-2, 2) };

export const KEYED: readonly Pick<ViewCase, 'joinKeys' | 'spineColumns'>[] = [
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

export function viewCase(shape: Pick<ViewCase, 'joinKeys' | 'spineColumns'>): fc.Arbitrary<ViewCase> {
  const key = fc.tuple(...shape.joinKeys.map(({ type }) => keyOf[type as keyof typeof keyOf]));
  return lags.chain((some) => {
    const row = fc
      .tuple(
        key,
        time,
        fc.constantFrom(...some),
        fc.boolean(),
        fc.option(fc.constant('x')),
        fc.option(time, { freq: 2 }),
      )
      .map(([of, eventTime, lag, onTick, note, validTo]) => ({
        key: of as readonly KeyValue[],
        eventTime,
        createdTime: micros(eventTime + lag),
        intervalEnd: tickFrom(eventTime, onTick),
        values: [0n, note] as readonly Value[],
        validTo,
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
    const kind = fc.oneof(
      { weight: 3, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: fc.constant({ validity: true }) },
      {
        weight: 2,
        arbitrary: fc.record({ horizon: duration(0, 6), validity: fc.boolean() }),
      },
    );
    const rules = fc.record({
      joinKeys: fc.constant(shape.joinKeys),
      spineColumns: fc.constant(shape.spineColumns),
      recencyIsTold: fc.boolean(),
      ttl: fc.option(duration(0, 6)),
      dataDelay: fc.oneof(fc.constant(0n as DurationMicros), duration(0, 3)),
      // Every file has a revision of its own, so no two rows are the same write.
      files: fc
        .tuple(fc.array(fc.tuple(rows, cuts), { maxLength: 3 }), fc.option(cuts))
        .map(([files, before]) =>
          [
            ...(before === null ? [] : [{ rows: earlierRows(files.flatMap(([of]) => of)), cuts: before }]),
            ...files.map(([of, ranges]) => ({ rows: of, cuts: ranges })),
          ].map(
            ({ rows: of, cuts: ranges }, revision): FileCase => ({
              rows: of,
              slices: ranges.map((range) => ({ revision, range })),
              replaced: before !== null && revision === 0,
            }),
          ),
        ),
    });
    return fc.tuple(rules, kind).map(([every, more]) => ({ ...every, ...more }));
  });
}

/** What stood there before these rows: the same, known as much earlier or later, and some that are there no more. */
function earlierRows(rows: readonly FileRow[]): readonly FileRow[] {
  const found = new Map(
    rows.map((row, at) => {
      const createdTime = micros(row.createdTime - BigInt(at % 4) * HOUR + HOUR);
      const moved = micros(row.eventTime + HOUR);
      // It is a row of the same interval still.
      const eventTime = at % 5 === 4 && moved <= row.intervalEnd ? moved : row.eventTime;
      return [
        `${row.key.join('|')} ${eventTime} ${createdTime}`,
        { ...row, eventTime, createdTime },
      ] as const;
    }),
  );
  return [...found.values()];
}

function tickFrom(event: Micros, onTick: boolean): Micros {
  const past = (((event - BASE) % TICK) + TICK) % TICK;
  if (past === 0n && onTick) return event;
  return micros(event - past + TICK);
}

export const knownAt: fc.Arbitrary<KnownAt> = fc.oneof(
  fc.constant<KnownAt>({ kind: 'any' }),
  fc.constant<KnownAt>({ kind: 'row' }),
  time.map((at): KnownAt => ({ kind: 'cutoff', at })),
);

export type EntityRow = typeof entityRow extends fc.Arbitrary<infer Row> ? Row : never;

export const entityRow = fc.record({
  place: fc.option(keyOf.string, { freq: 6 }),
  number: fc.option(keyOf.int64, { freq: 6 }),
  other: fc.option(keyOf.int64, { freq: 6 }),
  small: fc.option(keyOf.int32, { freq: 6 }),
  at: time,
});

/** `at` is naive or zoned; the narrower and the wider integer type stand for the other. */
export const SPINE = {
  place: 'VARCHAR',
  number: 'INTEGER',
  other: 'BIGINT',
  small: 'BIGINT',
  label: 'DOUBLE',
};
