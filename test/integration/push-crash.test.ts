import { expect, test, vi } from 'vitest';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import { durationOf, formatTime, subtractDuration } from '../../src/core/time.ts';
import { onlineTableOf } from '../../src/online/online-table.ts';
import { follow, startBackfill } from '../../src/orchestrate/runs.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { appliedProject } from '../support/project.ts';
import { type WorkerProcess, workerProcess } from '../support/worker-process.ts';

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

async function addressOf(server: WorkerProcess): Promise<string> {
  const [, url] = await vi.waitUntil(() => / on (http:\S+)\. Stop/.exec(server.output()), {
    timeout: 20_000,
  });
  if (url === undefined) throw new Error(`The server does not answer: ${server.output()}`);
  return url;
}

test('a server that is killed while it takes rows loses none that it has answered', async () => {
  const project = await appliedProject({ definitions: DEFINITIONS, data: {}, days: 1 });
  const { platform, env, name } = project;
  const first = await workerProcess(env, ['serve', '--port', '0']);
  const url = await addressOf(first);
  // Long enough ago for its interval to be due.
  const clicked_at = formatTime(subtractDuration(platform.clock(), durationOf('10m')));
  const answered: bigint[] = [];
  let next = 1;
  const pushing = Array.from({ length: 4 }, async () => {
    for (;;) {
      const id = next++;
      const body = JSON.stringify({
        push_source_name: 'clicks',
        df: { user_id: [id], amount: [id / 2], clicked_at: [clicked_at] },
        to: 'online_and_offline',
      });
      const response = await fetch(`${url}/push`, { method: 'POST', body }).catch(() => undefined);
      if (response === undefined) return;
      if (response.status === 200) answered.push(BigInt(id));
    }
  });
  await expect.poll(() => answered.length, { timeout: 20_000 }).toBeGreaterThan(100);
  await first.kill('SIGKILL');
  await Promise.all(pushing);

  const second = await workerProcess(env, ['serve', '--port', '0']);
  await addressOf(second);
  const version = { project: name, view: 'last_click', version: 1 };
  const view = await appliedBatchView(await platform.registry(), version);
  const { sources } = await platform.offline();
  const [source] = view.sources;
  if (source === undefined) throw new Error('The view has no source.');
  await expect
    .poll(async () => (await sources.extent(source)).rows, { timeout: 20_000 })
    .toBeGreaterThanOrEqual(answered.length);

  const worker = await runWorkerHere(project);
  try {
    const { client } = await platform.temporal();
    await follow(await startBackfill(client, version), () => {});
  } finally {
    await worker.stop();
  }
  const { reader } = await platform.offline();
  const files = await (await platform.ledger()).files(version);
  const trained = new Map<unknown, unknown>();
  for await (const rows of reader.latest({ view, slices: files })) {
    for (const { key, values } of rows) trained.set(key[0], values[0]);
  }
  const online = await platform.online();
  const [served] = await online.read([
    { table: onlineTableOf(name, view), keys: answered.map((id) => [id]) },
  ]);
  for (const [at, id] of answered.entries()) {
    expect(trained.get(id)).toBe(Number(id) / 2);
    expect(served?.[at]?.values).toEqual([Number(id) / 2]);
  }
  await second.kill('SIGTERM');
}, 90_000);
