import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { formatTime, micros } from '../../src/core/time.ts';
import { appliedManifest } from '../../src/registry/applied-manifest.ts';
import { freePort } from '../../src/stack/ports.ts';
import { appliedProject, type TestProject } from '../support/project.ts';

const TIDEMARK = join(import.meta.dirname, '../../bin/tidemark');
const DEFINITIONS = `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const clicks = pushSource({
  name: 'clicks', columns: { user_id: 'int64', page: 'string' }, timestampField: 'at',
});
export const lastClick = streamFeatureView({
  name: 'last_click', version: 1, entities: [user], source: clicks, startTime: '<start>',
  features: { page: 'string' },
});
`;

const servers: ChildProcess[] = [];

afterAll(async () => {
  for (const server of servers) await killed(server);
});

async function killed(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return;
  const exited = once(server, 'exit');
  // With all that it started.
  process.kill(-server.pid, 'SIGKILL');
  await exited;
}

/** `tidemark serve` as a person runs it; its address, once it answers. */
async function served(project: TestProject): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const port = await freePort();
  const child = spawn(process.execPath, [TIDEMARK, 'serve'], {
    detached: true,
    stdio: 'ignore',
    env: { PATH: process.env.PATH, ...project.env, TIDEMARK_PORT: String(port) },
  });
  servers.push(child);
  const url = `http://127.0.0.1:${port}`;
  const isUp = () =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(isUp, { timeout: 20_000, interval: 50 }).toBe(true);
  return { url, child };
}

test('a server killed while rows are pushed has lost none that it has answered, once another is started', async () => {
  const project = await appliedProject({ definitions: DEFINITIONS, data: {}, days: 1 });
  const { platform, name } = project;
  const manifest = await appliedManifest(await platform.registry(), name);
  const source = manifest.sources.find((each) => each.name === 'clicks');
  if (source === undefined) throw new Error('no source');
  const { url, child } = await served(project);

  const answered = new Set<number>();
  let sent = 0;
  let isUp = true;
  const push = async () => {
    while (isUp) {
      const user = sent++;
      const at = formatTime(micros(platform.clock() - BigInt(user)));
      const body = JSON.stringify({
        push_source_name: 'clicks',
        df: { user_id: [user], page: ['home'], at: [at] },
        to: 'online_and_offline',
      });
      const ok = await fetch(`${url}/push`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      })
        .then((response) => response.ok)
        .catch(() => false);
      if (ok) answered.add(user);
    }
  };
  const pushing = Array.from({ length: 8 }, push);
  await expect.poll(() => answered.size, { timeout: 20_000 }).toBeGreaterThan(200);
  await sleep(Math.random() * 200);
  await killed(child);
  isUp = false;
  await Promise.all(pushing);

  const { sources } = await platform.offline();
  await served(project);
  const rows = async () => (await sources.extent(source)).rows;
  await expect.poll(rows, { timeout: 20_000 }).toBeGreaterThanOrEqual(answered.size);
  // One more for each of the callers, at most: written, and killed before it was told.
  expect(await rows()).toBeLessThanOrEqual(answered.size + pushing.length);
}, 90_000);
