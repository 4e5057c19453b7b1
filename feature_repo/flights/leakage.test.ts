import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batchViews, type Manifest } from '../../src/core/manifest.ts';
import { scheduleOf } from '../../src/core/schedule.ts';
import {
  addDuration,
  durationOf,
  formatTime,
  type Micros,
  subtractDuration,
  systemClock,
  timeOf,
} from '../../src/core/time.ts';
import { featureFilePath } from '../../src/materialize/file-path.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDbFeatureComputer } from '../../src/offline/duckdb/compute/duckdb-feature-computer.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbSourceReader } from '../../src/offline/duckdb/sources/duckdb-source-reader.ts';
import { compileRepo } from '../../src/plan/compile.ts';
import { loadRepo } from '../../src/repo/load-repo.ts';
import { prepareReplay } from './replay.ts';

/**
 * A flight's own outcome must never reach its features. So the outcomes of all flights of one hour are replaced by
 * absurd ones, everything is computed anew, and the features of those flights must be what they were.
 */
const HOUR_OF_FLIGHTS = 150; // days after the replay's start
let folder: string;
let engine: DuckDbEngine;
let manifest: Manifest;
let hour: Micros;

const live = () => join(folder, 'live');
const flightsOfTheHour = () =>
  `scheduled_departure >= '${formatTime(hour)}' AND scheduled_departure < '${formatTime(addDuration(hour, durationOf('1h')))}'`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-leakage-'));
  engine = await createDuckDb({ memory: '1GB', threads: 2, tempDir: folder });
  process.env.FLIGHTS_LIVE_DIR = live();
  const { start } = await prepareReplay({ liveDir: live(), now: systemClock() });
  hour = addDuration(timeOf(start), durationOf(`${HOUR_OF_FLIGHTS}d18h`));
  manifest = await compileRepo(await loadRepo(import.meta.dirname), {
    sourceReader: createDuckDbSourceReader(engine, { baseDir: import.meta.dirname }),
    now: systemClock(),
  });
}, 60_000);

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

test('absurd outcomes of an hour’s flights change nothing in the features of those flights', async () => {
  const before = await featuresOfTheHour('before');
  await makeOutcomesAbsurd();
  const after = await featuresOfTheHour('after');
  expect(before.length).toBeGreaterThan(30);
  expect(after).toEqual(before);
});

test('and they do change what is known a day later, so that the test above can fail', async () => {
  const [before] = await column('before', 'later_avg_dep_delay_1d');
  const [after] = await column('after', 'later_avg_dep_delay_1d');
  expect(Number(after)).toBeGreaterThan(Number(before) + 1000);
});

/** Computes the views around the hour into a folder of their own, and joins the hour's flights to them. */
async function featuresOfTheHour(name: string): Promise<readonly (readonly unknown[])[]> {
  const offlineRoot = join(folder, name);
  const roots = { baseDir: import.meta.dirname, offlineRoot };
  const computer = createDuckDbFeatureComputer(engine, roots);
  const views = [];
  for (const view of batchViews(manifest)) {
    const schedule = scheduleOf(view.schedule);
    const range = {
      start: schedule.floor(subtractDuration(hour, durationOf('3d'))),
      end: schedule.ceil(addDuration(hour, durationOf('2d'))),
    };
    const path = featureFilePath({ project: 'flights', view: view.name, version: 1 }, range, name);
    const file = await computer.compute({ view, range, path });
    if (file === null) throw new Error(`${view.name} has no rows`);
    const part = {
      view: view.name,
      version: view.version,
      joinKeys: view.joinKeys,
      spineColumns: view.joinKeys.map((key) => key.name),
      ttl: view.ttl === null ? null : durationOf(view.ttl),
      slices: [{ path: file.path, revision: 0 }],
    };
    const outputs = (prefix: string) =>
      view.features.map((feature) => ({ feature, output: `${prefix}${view.name}__${feature.name}` }));
    views.push({ ...part, dataDelay: durationOf(view.dataDelay), features: outputs('') });
  }
  const { slices = [], joinKeys = [] } = views.find(({ view }) => view === 'carrier_delays') ?? {};
  const delays = batchViews(manifest).find((view) => view.name === 'carrier_delays');
  const joined = join(folder, `${name}.parquet`);
  const asOf = createDuckDbAsOfEngine(engine, roots);
  const spine = (time: string) => ({
    kind: 'query' as const,
    query: `SELECT flight_id, carrier, tailnum, origin, dest, ${time} AS at FROM flight_schedule WHERE ${flightsOfTheHour()} ORDER BY flight_id`,
    sources: manifest.sources,
    timestampField: 'at',
  });
  await asOf.join({ spine: spine('predict_at'), views, knownAt: { kind: 'any' }, path: joined });
  await asOf.join({
    spine: spine('predict_at + INTERVAL 1 DAY'),
    views: [
      {
        view: 'carrier_delays',
        version: 1,
        joinKeys,
        spineColumns: ['carrier'],
        features: (delays?.features ?? []).map((feature) => ({ feature, output: `later_${feature.name}` })),
        ttl: null,
        dataDelay: durationOf('10m'),
        slices,
      },
    ],
    knownAt: { kind: 'any' },
    path: join(folder, `${name}-later.parquet`),
  });
  return await rows(`SELECT * FROM '${joined}'`);
}

async function column(name: string, feature: string): Promise<readonly unknown[]> {
  return (await rows(`SELECT avg(${feature}) FROM '${join(folder, `${name}-later.parquet`)}'`)).flat();
}

async function rows(query: string): Promise<readonly (readonly unknown[])[]> {
  return await engine.withConnection(async (connection) =>
    (await connection.runAndReadAll(query)).getRowsJson(),
  );
}

async function makeOutcomesAbsurd(): Promise<void> {
  const files = await rows(`SELECT file FROM glob('${live()}/flights/*.parquet')`);
  for (const [file] of files) {
    await engine.withConnection((connection) =>
      connection.run(
        `COPY (SELECT * REPLACE (CASE WHEN ${flightsOfTheHour()} THEN 1e6 ELSE dep_delay END AS dep_delay) FROM '${file}')
         TO '${file}.absurd' (FORMAT parquet)`,
      ),
    );
    await rename(`${file}.absurd`, String(file));
  }
}
