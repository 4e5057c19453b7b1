import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { formatTime, type Micros, micros, timeOf } from '../../src/core/time.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { buildTrainingSet } from '../../src/training/build-training-set.ts';
import { restatedInputs } from '../../src/training/restated-inputs.ts';
import type { TrainingDeps, TrainingSet, TrainingSetRequest } from '../../src/training/training-set.ts';
import { verifyTrainingSet } from '../../src/training/verify-training-set.ts';
import { writeRows } from '../support/feature-repo.ts';
import { materializeHere } from '../support/materialize-here.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { trainingDeps } from '../support/training-deps.ts';

const definitions = `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const orders = parquetSource({
  name: 'orders', path: 'orders/*.parquet', timestampField: 'at', createdTimestampField: 'created_at',
});
export const spend = batchFeatureView({
  name: 'spend', version: 1, entities: [user], source: orders, schedule: '0 */6 * * *', startTime: '<start>',
  dataDelay: '0s', ttl: '30d', online: false,
  aggregations: { avg_3d: avg('amount', '3d'), orders_3d: count('3d') },
});
export const last = batchFeatureView({
  name: 'last_order', version: 1, entities: [user], source: orders, schedule: '0 */6 * * *', startTime: '<start>',
  ttl: '30d', online: false, features: { amount: 'float64' },
});
export const model = featureService({ name: 'model', features: [spend, last] });`;

const VIEWS = ['spend', 'last_order'];
let project: TestProject;
let deps: TrainingDeps;
let start: Micros;

const day = (n: number) => micros(start + BigInt(n * 24) * 3_600_000_000n);

/** Orders of five users between two days, all known when they happened, or later. */
const ordersSql = (from: string, count: number, seconds: number, amount: string, created: string) =>
  `SELECT i % 5 AS user_id, ${from} + INTERVAL (i * ${seconds}) SECOND AS at, ${created} AS created_at, ${amount} AS amount FROM range(${count}) t(i)`;

async function materialize(from: number, to: number, restate: boolean): Promise<void> {
  const registry = await project.platform.registry();
  for (const view of VIEWS) {
    const spec = await appliedBatchView(registry, { project: project.name, view, version: 1 });
    const outcome = await materializeHere(project, {
      view: spec,
      range: { start: day(from), end: day(to) },
      restate,
    });
    expect(outcome.kind).toBe('materialized');
  }
}

/** Late orders from day 2 to day 6, which the source says were written on `day`. */
async function late(file: string, amount: number, written: number): Promise<void> {
  const rows = ordersSql(
    `TIMESTAMP '${formatTime(day(2))}'`,
    90,
    3_600,
    `${amount}::DOUBLE`,
    `TIMESTAMP '${formatTime(day(written))}'`,
  );
  await writeRows(join(project.repo.dir, `orders/${file}.parquet`), rows);
}

const ROWS = { kind: 'range', timestampField: 'event_timestamp' } as const;
const request = (knownAt: string, more: Partial<TrainingSetRequest> = {}): TrainingSetRequest => ({
  project: project.name,
  spine: { kind: 'csv', path: join(project.home, 'spine.csv'), timestampField: 'when' },
  features: { kind: 'service', service: 'model' },
  knownAt,
  fullNames: true,
  ...more,
});
const bytesOf = (set: TrainingSet) => set.manifest.data.files.map(({ digest }) => digest);
const now = () => formatTime(project.platform.clock());

beforeAll(async () => {
  project = await appliedProject({
    definitions,
    days: 10,
    data: {
      'orders/orders.parquet': ordersSql(
        "TIMESTAMP '<start>'",
        2_000,
        401,
        '(i * 37 % 1000) / 10.0',
        "TIMESTAMP '<start>' + INTERVAL (i * 401 + i % 60) SECOND",
      ),
    },
  });
  const { platform, name } = project;
  const registry = await platform.registry();
  const spec = await appliedBatchView(registry, { project: name, view: 'spend', version: 1 });
  start = timeOf(spec.startTime);
  deps = await trainingDeps(project);
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 6},${formatTime(day(2 + (i % 20) / 4))}`);
  await writeFile(join(project.home, 'spine.csv'), `user_id,when\n${rows.join('\n')}\n`);
  await materialize(0, 4, false);
  await materialize(4, 10, false);
});

describe('a training set with a known-at, built anew after a restatement with late events,', () => {
  const asked = new Map<string, TrainingSetRequest>();
  const sets = new Map<string, TrainingSet>();

  const build = (name: string) => buildTrainingSet(asked.get(name) ?? expect.fail(name), deps);
  const setOf = (name: string) => sets.get(name) ?? expect.fail(name);
  const ask = async (name: string, knownAt: string, more: Partial<TrainingSetRequest> = {}) => {
    asked.set(name, request(knownAt, more));
    sets.set(name, await build(name));
  };

  beforeAll(async () => {
    const then = now();
    // The middle of the history, before any of it was computed.
    const past = formatTime(day(7));
    const spine = { ...ROWS, from: formatTime(day(3)), to: formatTime(day(7)) };
    await ask('then', then);
    await ask('past', past);
    await ask('row', 'row');
    await ask('then, of a range', then, { spine });
    await ask('past, of a range', past, { spine });
    await ask('then, with a label', then, { label: { view: 'spend', feature: 'avg_3d', horizon: '12h' } });
    await ask('any', 'any');
    await late('late', 900, 8);
    await materialize(2, 7, true);
    await ask('between', now());
    await late('later', 5_000, 9);
    await materialize(2, 9, true);
  });

  test('has other values where everything counts, so that there is something to keep', async () => {
    const all = [setOf('any'), setOf('between'), await build('any')];
    expect(new Set(all.flatMap(bytesOf)).size).toBe(3);
  });

  test.each(['then', 'between', 'then, of a range', 'then, with a label'])(
    'is the set that was there when its cut-off is before it (%s)',
    async (name) => {
      const again = await build(name);
      expect(again.id).toBe(setOf(name).id);
      expect(again.reused).toBe(true);
      expect(again.forgotten).toEqual([]);
      expect(await restatedInputs(again.manifest, deps)).toEqual([]);
    },
  );

  test.each(['past', 'row', 'past, of a range'])(
    'has the same bytes where all of it was computed later (%s)',
    async (name) => {
      const again = await build(name);
      expect(bytesOf(again)).toEqual(bytesOf(setOf(name)));
      expect(again.id).not.toBe(setOf(name).id);
      expect((await verifyTrainingSet(again.manifest, deps)).problems).toEqual([]);
      expect(await restatedInputs(again.manifest, deps)).toEqual([]);
      expect(await restatedInputs(setOf(name).manifest, deps)).not.toEqual([]);
    },
  );

  test('reads what is committed now, and tells it, where the file of then is gone', async () => {
    // Nothing is left of it but what a cut-off reads.
    const spend = setOf('between').manifest.contents.views.find(({ view }) => view === 'spend');
    const restated = spend?.slices.find(({ revision }) => revision === 1);
    const path = join(deps.offlineRoot, restated?.path ?? expect.fail('the restated part was not read'));
    await rename(path, `${path}.away`);
    try {
      const again = await build('between');
      expect(again.id).not.toBe(setOf('between').id);
      const told = [{ view: 'spend@v1', start: formatTime(day(2)), end: formatTime(day(7)) }];
      expect(again.forgotten).toEqual(told);
      const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
      await main(['dataset', 'show', again.id], { env: project.env, cwd: project.home, streams });
      expect(String(streams.stdout.read())).toContain('not as it was known: spend@v1 was restated from');
    } finally {
      await rename(`${path}.away`, path);
    }
  });
});
