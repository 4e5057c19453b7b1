import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asOf, type KnownAt, replacedRows } from '../../src/core/as-of.ts';
import type { JoinKey } from '../../src/core/entity.ts';
import type { FeatureSpec } from '../../src/core/feature-view.ts';
import type { FeatureRow } from '../../src/core/rows.ts';
import { type DurationMicros, type Micros, micros } from '../../src/core/time.ts';
import type { KeyValue, Value } from '../../src/core/value-type.ts';
import type { AsOfEngine, AsOfRequest, AsOfView, Spine } from '../../src/offline/as-of-engine.ts';
import type { RevisedSlice } from '../../src/offline/feature-reader.ts';
import {
  BASE,
  type EntityRow,
  entityRow,
  FEATURES,
  type FileRow,
  KEYED,
  knownAt,
  SPINE,
  TICK,
  time,
  type ViewCase,
  viewCase,
} from './as-of-cases.ts';

/** What an adapter gives to be tested: itself, and the files it reads and writes. */
export interface AsOfWorld {
  readonly engine: AsOfEngine;
  /** The same engine where a few rows count as a large join, which is kept in parts as it goes. */
  readonly inParts: AsOfEngine;
  /** Writes an offline file and returns its path, relative to the offline root. */
  writeFeatures(
    shape: {
      readonly joinKeys: readonly JoinKey[];
      readonly features: readonly FeatureSpec[];
      readonly validity?: boolean;
      /** Whether the file tells which of its rows can be newer than others, as every one does that is written today. */
      readonly recencyIsTold?: boolean;
    },
    rows: readonly FileRow[],
  ): Promise<string>;
  /** Writes a Parquet spine of SQL-typed columns. */
  writeSpine(columns: Readonly<Record<string, string>>, rows: readonly (readonly Value[])[]): Promise<Spine>;
  outputPath(): string;
  /** Rows of a written file in its order. */
  read(path: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** The suite that every as-of engine passes (rules 1 to 8 of the port). */
export function describeAsOfEngine(name: string, world: () => AsOfWorld, runs: number): void {
  describe(`the as-of join of ${name}`, () => {
    const asked = [
      knownAt,
      fc.constantFrom('TIMESTAMP', 'TIMESTAMPTZ'),
      fc.option(time, { freq: 2, nil: undefined }),
      fc.constantFrom(...WAYS),
    ] as const;
    const entityRows = fc.array(entityRow, { maxLength: 30 });

    test('gives every entity row the row that the reference gives it', { timeout: 120_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(entityRows, fc.tuple(...KEYED.map(viewCase)), ...asked, (...given) =>
          agrees(world(), ...given),
        ),
        { numRuns: runs },
      );
    });

    test('knows which rows of one file can tie, and which tells so', { timeout: 120_000 }, async () => {
      const tying = fc.tuple(...KEYED.map((shape) => viewCase(shape).map(tiesOfOneFile)));
      await fc.assert(
        fc.asyncProperty(entityRows, tying, ...asked, (...given) => agrees(world(), ...given)),
        { numRuns: runs / 3 },
      );
    });

    test('sees rows that overtake one another when each was known', { timeout: 120_000 }, async () => {
      const views = fc.tuple(...KEYED.map((shape) => viewCase(shape).map(overtaking)));
      const [, timeType, notAfter, way] = asked;
      await fc.assert(
        fc.asyncProperty(entityRows, views, timeType, notAfter, way, (rows, of, ...given) =>
          agrees(world(), rows, of, { kind: 'row' }, ...given),
        ),
        { numRuns: runs / 3 },
      );
    });

    test('finds nothing in the part of a file that has no rows', async () => {
      const rows = [0n, TICK + 1n].map((lag): FileRow => {
        const eventTime = micros(BASE + 3n * TICK + 1n);
        const times = {
          eventTime,
          createdTime: micros(eventTime + lag),
          intervalEnd: micros(BASE + 4n * TICK),
        };
        return { key: [], ...times, values: [0n, null] };
      });
      const slices = [{ revision: 0, range: { from: 0, to: 1 } }];
      const view: ViewCase = {
        ...{ joinKeys: [], spineColumns: [], recencyIsTold: true, ttl: null },
        dataDelay: 0n as DurationMicros,
        files: [{ rows, slices, replaced: false }],
      };
      const entity = { place: null, number: null, other: null, small: null, at: micros(BASE + 2n * TICK) };
      await agrees(world(), [entity], [view], { kind: 'any' }, 'TIMESTAMP', undefined, 'alone');
    });
  });
}

const WAYS = ['together', 'alone', 'in parts'] as const;

async function agrees(
  world: AsOfWorld,
  spineRows: readonly EntityRow[],
  views: readonly ViewCase[],
  known: KnownAt,
  timeType: string,
  notAfter: Micros | undefined,
  way: (typeof WAYS)[number],
): Promise<void> {
  const all = [...spineRows, ...spineRows.slice(0, 2)];
  const spine = await world.writeSpine(
    { ...SPINE, at: timeType },
    all.map(({ place, number, other, small, at }, label) => [place, number, other, small, label, at]),
  );
  const rows = all
    .map((row, label) => ({ ...row, label }))
    .filter(({ at }) => notAfter === undefined || at <= notAfter);
  const written = await Promise.all(views.map((view, index) => writeView(world, view, index)));
  const { output, ...result } = await joinedBy(way, world, {
    spine,
    views: written.map(({ view }) => view),
    knownAt: known,
    ...(notAfter !== undefined && { notAfter }),
  });
  expect(result.rows).toBe(rows.length);
  expect(result.leftOut).toBe(all.length - rows.length);
  expect(output.map(({ label }) => label)).toEqual(rows.map(({ label }) => label));
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
      { ...view, knownAt: known },
    );
    const expected = winners.map((winner) => winner?.values[0] ?? null);
    expect(output.map((row) => row[`v${index}_row_id`])).toEqual(expected);
    expect(output.map((row) => row[`v${index}_note`])).toEqual(
      winners.map((winner) => winner?.values[1] ?? null),
    );
    expect(result.sameTime[index]).toBe(
      winners.filter((winner, at) => winner?.eventTime === rows[at]?.at).length,
    );
    expect(result.nulls[`v${index}_row_id`]).toBe(expected.filter((value) => value === null).length);
  }
}

/** The same rows in one file, at few times: many have a time in common, and nothing else decides what the file tells. */
function tiesOfOneFile(view: ViewCase): ViewCase {
  const rows = new Map(
    view.files.flatMap((file) =>
      file.rows.map((row) => {
        const eventTime = micros(BASE + ((row.eventTime - BASE) / TICK) * TICK);
        const createdTime = micros(eventTime + row.createdTime - row.eventTime);
        return [
          `${row.key.join('|')} ${eventTime} ${createdTime}`,
          { ...row, eventTime, createdTime },
        ] as const;
      }),
    ),
  );
  const slices = [{ revision: 0, range: undefined }];
  return { ...view, recencyIsTold: true, files: [{ rows: [...rows.values()], slices, replaced: false }] };
}

/** The same rows, known in another order than that of their times, in whole files of distinct times, the last first. */
function overtaking(view: ViewCase): ViewCase {
  const distinct = new Map(
    view.files.flatMap(({ rows }) => rows.map((row) => [`${row.key.join('|')} ${row.eventTime}`, row])),
  );
  const files: FileRow[][] = [[], [], []];
  for (const [at, row] of [...distinct.values()].entries()) {
    const createdTime = micros(row.eventTime + (BigInt((at * 7) % 6) * TICK) / 4n);
    const file = files[row.eventTime < BASE + TICK ? 2 : row.eventTime < BASE + 2n * TICK ? 1 : 0];
    file?.push({ ...row, createdTime });
  }
  return {
    ...view,
    recencyIsTold: true,
    files: files
      .filter((rows) => rows.length > 0)
      .map((rows, revision) => ({ rows, slices: [{ revision, range: undefined }], replaced: false })),
  };
}

/** One view at a time, or all in one request, which the engine may go about in another way; the answer is the same. */
async function joinedBy(
  way: (typeof WAYS)[number],
  { engine, inParts, outputPath, read }: AsOfWorld,
  request: Omit<AsOfRequest, 'path'>,
) {
  const join = async (views: readonly AsOfView[]) => {
    const path = outputPath();
    const workFolder = `${path}.parts`;
    const asked = { ...request, views, path };
    const result = await (way === 'in parts' ? inParts.join({ ...asked, workFolder }) : engine.join(asked));
    return { ...result, output: await read(path) };
  };
  if (way !== 'alone') return join(request.views);
  const all = await Promise.all(request.views.map((view) => join([view])));
  const [first] = all;
  if (first === undefined) throw new Error('there are views in every case');
  return {
    ...first,
    sameTime: all.flatMap(({ sameTime }) => sameTime),
    nulls: Object.assign({}, ...all.map(({ nulls }) => nulls)) as typeof first.nulls,
    output: first.output.map(({ label }, at) => {
      for (const { output } of all) expect(output[at]?.label).toBe(label);
      return Object.assign({}, ...all.map(({ output }) => output[at])) as Record<string, unknown>;
    }),
  };
}

/** Writes a view's files; `rows` are those that count, as the reference takes them. */
export async function writeView(
  { writeFeatures }: AsOfWorld,
  { files, ...rules }: ViewCase,
  number: number,
): Promise<{ readonly view: AsOfView; readonly rows: readonly FeatureRow[] }> {
  const slices: RevisedSlice[] = [];
  const replaced: RevisedSlice[] = [];
  const counted: FeatureRow[] = [];
  const before: FeatureRow[] = [];
  for (const [index, file] of files.entries()) {
    const rows = file.rows.map(({ validTo = null, ...row }, at) => ({
      ...row,
      ...(rules.validity === true && { validTo }),
      values: [BigInt(index * 1000 + at + 1), ...row.values.slice(1)],
    }));
    const path = await writeFeatures({ ...rules, features: FEATURES }, rows);
    for (const { revision, range } of file.slices) {
      const bounds =
        range === undefined
          ? undefined
          : {
              start: micros(BASE + BigInt(range.from) * TICK),
              end: micros(BASE + BigInt(range.to) * TICK),
            };
      (file.replaced ? replaced : slices).push({
        path,
        revision,
        ...(bounds === undefined ? {} : { range: bounds }),
      });
      (file.replaced ? before : counted).push(
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
    ...rules,
    view: `view_${number}`,
    version: 1,
    features,
    slices,
    ...(replaced.length === 0 ? {} : { replaced }),
  };
  return { view, rows: [...counted, ...replacedRows(before, counted)] };
}
