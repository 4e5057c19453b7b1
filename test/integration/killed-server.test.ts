import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import { durationOf, formatTime, micros, subtractDuration } from '../../src/core/time.ts';
import { onlineTableOf } from '../../src/online/online-table.ts';
import { follow, startBackfill } from '../../src/orchestrate/runs.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { appliedProject } from '../support/project.ts';
import { serverProcess } from '../support/server-process.ts';

const DEFINITIONS = `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const clicks = pushSource({
  name: 'clicks', columns: { user_id: 'int64', amount: 'float64' }, timestampField: 'clicked_at',
});
export const lastClick = streamFeatureView({
  name: 'last_click', version: 1, entities: [user], source: clicks,
  schedule: '* * * * *', startTime: '<start>', features: { amount: 'float64' },
});
`;

/** Clients that push a row each, of a user and a time of its own, until nobody answers. */
function clients(url: string, count: number, timeOf: (id: number) => string) {
  const answered: number[] = [];
  let next = 1;
  const one = async () => {
    for (;;) {
      const id = next++;
      const body = JSON.stringify({
        push_source_name: 'clicks',
        df: { user_id: [id], amount: [id / 2], clicked_at: [timeOf(id)] },
        to: 'online_and_offline',
      });
      const response = await fetch(`${url}/push`, { method: 'POST', body }).catch(() => undefined);
      if (response === undefined) return;
      if (response.status === 200) answered.push(id);
    }
  };
  return { answered, done: Promise.all(Array.from({ length: count }, one)) };
}

test('a server killed while rows are pushed has lost none that it has answered, once another is started', async () => {
  const project = await appliedProject({ definitions: DEFINITIONS, data: {}, days: 1 });
  const { platform, env, name } = project;
  const first = await serverProcess(env);
  // Long enough ago for their intervals to be due.
  const newest = subtractDuration(platform.clock(), durationOf('10m'));
  const load = clients(first.url, 8, (id) => formatTime(micros(newest - BigInt(id))));
  await expect.poll(() => load.answered.length, { timeout: 30_000 }).toBeGreaterThan(200);
  await sleep(Math.random() * 200);
  await first.end('SIGKILL');
  await load.done;

  const second = await serverProcess(env);
  const version = { project: name, view: 'last_click', version: 1 };
  const view = await appliedBatchView(await platform.registry(), version);
  const { sources, reader } = await platform.offline();
  const [source] = view.sources;
  if (source === undefined) throw new Error('The view has no source.');
  const rows = async () => (await sources.extent(source)).rows;
  await expect.poll(rows, { timeout: 30_000 }).toBeGreaterThanOrEqual(load.answered.length);
  // One more for each client, at most: written, and killed before it was told.
  expect(await rows()).toBeLessThanOrEqual(load.answered.length + 8);

  const worker = await runWorkerHere(project);
  try {
    const { client } = await platform.temporal();
    await follow(await startBackfill(client, version), () => {});
  } finally {
    await worker.stop();
  }
  const trained = new Map<unknown, unknown>();
  for await (const batch of reader.latest({ view, slices: await (await platform.ledger()).files(version) })) {
    for (const { key, values, eventTime } of batch) trained.set(key[0], [...values, eventTime]);
  }
  const table = onlineTableOf(name, view);
  const keys = load.answered.map((id) => [BigInt(id)]);
  const [served = []] = await (await platform.online()).read([{ table, keys }]);
  for (const [at, id] of load.answered.entries()) {
    const row = [id / 2, newest - BigInt(id)];
    expect(trained.get(BigInt(id))).toEqual(row);
    expect([...(served[at]?.values ?? []), served[at]?.eventTime]).toEqual(row);
  }
  expect(await second.end('SIGTERM')).toBe(0);
}, 90_000);
