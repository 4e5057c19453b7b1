import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { BatchViewSpec } from '../../src/core/feature-view.ts';
import { addDuration, durationOf, formatTime, micros, timeOf } from '../../src/core/time.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { type MaterializeDeps, materializeRange } from '../../src/materialize/materialize-range.ts';
import { onlineTableOf } from '../../src/online/online-table.ts';
import { appliedBatchView, appliedManifest } from '../../src/registry/applied-manifest.ts';
import { checkParity } from '../../src/serving/check-parity.ts';
import { writeRows } from '../support/feature-repo.ts';
import { appliedProject, type TestProject } from '../support/project.ts';

const definitions = `
export const thisProject = project({ name: '<project>' });
export const place = entity({ name: 'place', joinKeys: { place: 'string' } });
export const readings = parquetSource({
  name: 'readings', path: 'readings.parquet', timestampField: 'at', createdTimestampField: 'written_at',
});
const common = {
  version: 1, entities: [place], source: readings, schedule: '0 * * * *', startTime: '<start>', ttl: '30d',
};
export const last = batchFeatureView({ ...common, name: 'last_reading', features: { temp: 'float64' } });
export const total = batchFeatureView({ ...common, name: 'total', aggregations: { temp: sum('temp', '2h') } });
export const checked = batchFeatureView({
  ...common, name: 'checked', features: { temp: 'float64' }, quality: [between('temp', null, 50)],
});`;

/** Place, minutes after the start when it was read and when that was written, temperature. */
type Reading = readonly [place: string, at: number, writtenAt: number, temp: number];

let project: TestProject;
let start: bigint;

async function source(readings: readonly Reading[]): Promise<void> {
  const rows = readings.map(
    ([place, at, writtenAt, temp]) => `('${place}', ${at}, ${writtenAt}, ${temp}::DOUBLE)`,
  );
  const time = (minutes: string) =>
    `TIMESTAMP '${formatTime(micros(start))}' + to_minutes(${minutes}::BIGINT)`;
  await writeRows(
    join(project.repo.dir, 'readings.parquet'),
    `SELECT place, ${time('minute')} AS at, ${time('written')} AS written_at, temp FROM (VALUES ${rows.join(', ')}) r(place, minute, written, temp)`,
  );
}

const viewOf = async (view: string): Promise<BatchViewSpec> =>
  appliedBatchView(await project.platform.registry(), { project: project.name, view, version: 1 });

async function run(
  view: string,
  from: number,
  to: number,
  restate = false,
  wrap: (ledger: Ledger) => Ledger = (ledger) => ledger,
) {
  const { platform, name } = project;
  const deps: MaterializeDeps = {
    ...(await platform.offline()),
    ledger: wrap(await platform.ledger()),
    online: await platform.online(),
    clock: platform.clock,
  };
  const hour = (n: number) => addDuration(micros(start), durationOf(`${n}h`));
  return await materializeRange(
    {
      project: name,
      view: await viewOf(view),
      range: { start: hour(from), end: hour(to) },
      restate,
      owner: 'test',
      runId: 'test',
      leaseFor: durationOf('1m'),
    },
    deps,
  );
}

/** What is served: temperature by place. */
async function served(view: string): Promise<Record<string, unknown>> {
  const online = await project.platform.online();
  const found: Record<string, unknown> = {};
  for await (const batch of online.scan(onlineTableOf(project.name, await viewOf(view)))) {
    for (const { key, values } of batch) found[String(key[0])] = values[0];
  }
  return found;
}

async function differences(view: string): Promise<readonly string[]> {
  const { platform, name, home } = project;
  const manifest = await appliedManifest(await platform.registry(), name);
  const views = manifest.views.filter((one) => one.name === view);
  const [parity] = await checkParity(
    { ...manifest, views },
    {
      ...(await platform.offline()),
      ledger: await platform.ledger(),
      online: await platform.online(),
      clock: platform.clock,
      offlineRoot: platform.config.offline,
      tempDir: home,
    },
  );
  return parity?.examples ?? ['nothing was compared'];
}

beforeEach(async () => {
  project = await appliedProject({
    definitions,
    days: 1,
    data: {
      'readings.parquet': `SELECT 'a' AS place, TIMESTAMP '<start>' AS at, TIMESTAMP '<start>' AS written_at, 1.0::DOUBLE AS temp`,
    },
  });
  start = timeOf((await viewOf('total')).startTime);
});

describe('a restatement', () => {
  test('takes back a value whose reading is gone: the one before it is served again', async () => {
    await source([
      ['a', 10, 10, 1],
      ['b', 20, 20, 2],
      ['a', 70, 70, 3],
      ['b', 80, 80, 4],
    ]);
    await run('last_reading', 0, 1);
    await run('last_reading', 1, 2);
    expect(await served('last_reading')).toEqual({ a: 3, b: 4 });
    await source([
      ['a', 10, 10, 1],
      ['b', 20, 20, 2],
      ['b', 80, 80, 4],
    ]);
    await run('last_reading', 1, 2, true);
    expect(await served('last_reading')).toEqual({ a: 1, b: 4 });
    expect(await differences('last_reading')).toEqual([]);
  });

  test('takes back everything when nothing is left of its range, and of an entity', async () => {
    await source([
      ['a', 10, 10, 1],
      ['a', 70, 70, 3],
      ['b', 80, 80, 4],
    ]);
    await run('last_reading', 0, 1);
    await run('last_reading', 1, 2);
    await source([['a', 10, 10, 1]]);
    await run('last_reading', 1, 2, true);
    expect(await served('last_reading')).toEqual({ a: 1 });
    expect(await differences('last_reading')).toEqual([]);
  });

  test('lets a value land that rests on events written earlier than those it replaces', async () => {
    await source([
      ['a', 10, 10, 1],
      ['a', 20, 400, 5],
    ]);
    await run('total', 0, 1);
    expect(await served('total')).toEqual({ a: 6 });
    await source([['a', 10, 10, 1]]);
    await run('total', 0, 1, true);
    expect(await served('total')).toEqual({ a: 1 });
    expect(await differences('total')).toEqual([]);
  });

  test('of an old range leaves newer values alone', async () => {
    await source([
      ['a', 10, 10, 1],
      ['a', 70, 70, 3],
    ]);
    await run('last_reading', 0, 1);
    await run('last_reading', 1, 2);
    await source([['a', 70, 70, 3]]);
    await run('last_reading', 0, 1, true);
    expect(await served('last_reading')).toEqual({ a: 3 });
    expect(await differences('last_reading')).toEqual([]);
  });

  test('that is done twice leaves what the first one did', async () => {
    await source([
      ['a', 10, 10, 1],
      ['a', 40, 40, 2],
    ]);
    await run('last_reading', 0, 1);
    await source([['a', 10, 10, 1]]);
    await run('last_reading', 0, 1, true);
    await run('last_reading', 0, 1, true);
    expect(await served('last_reading')).toEqual({ a: 1 });
    expect(await differences('last_reading')).toEqual([]);
  });
});

test('two restatements at once: what the older one gives is served when the newer one takes its value back', async () => {
  await source([
    ['a', 10, 10, 1],
    ['a', 70, 70, 2],
  ]);
  await run('last_reading', 0, 1);
  await run('last_reading', 1, 2);
  await source([['a', 10, 10, 5]]);
  const published = Promise.withResolvers<void>();
  const newerDone = Promise.withResolvers<void>();
  const older = run('last_reading', 0, 1, true, (ledger) => ({
    ...ledger,
    async commit(...lease) {
      published.resolve();
      await newerDone.promise;
      await ledger.commit(...lease);
    },
  }));
  await published.promise;
  await run('last_reading', 1, 2, true);
  newerDone.resolve();
  await older;
  expect(await served('last_reading')).toEqual({ a: 5 });
});

describe('the parity check', () => {
  test('takes no newer value for a difference while an older range is held', async () => {
    await source([
      ['a', 10, 10, 1],
      ['a', 70, 70, 99],
      ['b', 20, 20, 2],
      ['a', 130, 130, 3],
    ]);
    await run('checked', 0, 1);
    expect(await run('checked', 1, 2)).toMatchObject({ kind: 'held' });
    await run('checked', 2, 3);
    expect(await served('checked')).toEqual({ a: 3, b: 2 });
    expect(await differences('checked')).toEqual([]);
  });
});

describe('an attempt that published and died before its commit', () => {
  const dying = (ledger: Ledger): Ledger => ({
    ...ledger,
    commit: async () => {
      throw new Error('the worker is gone');
    },
  });

  test('leaves nothing of its own, when the next one finds another source', async () => {
    await source([
      ['a', 10, 10, 1],
      ['b', 20, 20, 2],
    ]);
    await expect(run('last_reading', 0, 1, false, dying)).rejects.toThrow('the worker is gone');
    expect(await served('last_reading')).toEqual({ a: 1, b: 2 });
    await source([['a', 10, 10, 5]]);
    await run('last_reading', 0, 1);
    expect(await served('last_reading')).toEqual({ a: 5 });
    expect(await differences('last_reading')).toEqual([]);
  });

  test('leaves nothing of its own, when nothing is left of its range', async () => {
    await source([['b', 20, 20, 2]]);
    await expect(run('last_reading', 0, 1, false, dying)).rejects.toThrow('the worker is gone');
    await source([['b', 200, 200, 2]]);
    await run('last_reading', 0, 1);
    expect(await served('last_reading')).toEqual({});
  });

  test('of a restatement gives way to what was committed before, and to the next one', async () => {
    await source([['a', 10, 10, 1]]);
    await run('last_reading', 0, 1);
    await source([
      ['a', 10, 10, 1],
      ['b', 20, 20, 9],
    ]);
    await expect(run('last_reading', 0, 1, true, dying)).rejects.toThrow('the worker is gone');
    await source([['a', 10, 10, 1]]);
    await run('last_reading', 0, 1, true);
    expect(await served('last_reading')).toEqual({ a: 1 });
    expect(await differences('last_reading')).toEqual([]);
  });
});
