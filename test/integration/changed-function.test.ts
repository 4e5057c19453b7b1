import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, expect, test, vi } from 'vitest';
import { tidemark } from '../support/command-line.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { serverProcess } from '../support/server-process.ts';
import { shop } from '../support/shop.ts';

/** Functions are code: what `plan` and a running server make of another one in the feature repository. */
const view = (version: number, transform: string) => `
export const doubled${version} = onDemandFeatureView({
  name: 'doubled', version: ${version}, inputs: { request: requestSource({ amount: 'float64' }) },
  features: { doubled: 'float64' }, transform: ${transform},
});`;

let project: TestProject;

beforeEach(async () => {
  project = await appliedProject(
    shop('0 * * * *', view(1, '({ request }) => ({ doubled: request.amount * 2 })')),
  );
});

async function edit(change: (text: string) => string): Promise<void> {
  const file = join(project.repo.dir, 'definitions.ts');
  await writeFile(file, change(await readFile(file, 'utf8')));
}

const addVersion = () =>
  edit((text) => `${text}${view(2, '({ request }) => ({ doubled: request.amount + request.amount })')}`);

async function read(url: string, version: number): Promise<{ value: unknown; status: unknown }> {
  const response = await fetch(`${url}/get-online-features`, {
    method: 'POST',
    body: JSON.stringify({ features: [`doubled@v${version}:doubled`], entities: { amount: [21] } }),
    headers: { connection: 'close' },
  });
  const { results } = (await response.json()) as {
    results: readonly { values: readonly unknown[]; statuses: readonly unknown[] }[];
  };
  const answer = results?.at(-1);
  return { value: answer?.values[0], status: answer?.statuses[0] };
}

const health = async (url: string) =>
  (await (await fetch(`${url}/health`, { headers: { connection: 'close' } })).json()) as {
    status: string;
    pid: number;
    dependencies: { functions: object };
  };

test('a process of its own plans no change of a function that nobody changed, and refuses one that was', async () => {
  const same = await tidemark(['plan'], { env: project.env });
  expect(same.stdout).toContain('No changes.');
  await edit((text) => text.replace('request.amount * 2', '  2 *   request.amount // twice\n'));
  const other = await tidemark(['plan'], { env: project.env });
  expect(other).toMatchObject({ code: 1 });
  expect(other.stderr).toMatch(/BREAKING_CHANGE.*transform: code \w{8} → code \w{8}.*with version: 2/s);
});

test('workers are replaced when functions are applied that they have not loaded, and nobody notices', async () => {
  const server = await serverProcess(project.env, '--workers', '2');
  expect(await read(server.url, 1)).toEqual({ value: 42, status: 'PRESENT' });
  expect(await health(server.url)).toMatchObject({
    status: 'ok',
    dependencies: { functions: { status: 'ok' } },
  });
  const { pid } = await health(server.url);

  let asked = 0;
  const answers = new Set<string>();
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      answers.add(JSON.stringify(await read(server.url, 1)));
      asked += 1;
    }
  })();
  await addVersion();
  expect(await tidemark(['apply'], { env: project.env })).toMatchObject({ code: 0 });
  await vi.waitFor(
    async () => {
      const pids = new Set<number>();
      for (let i = 0; i < 4; i += 1) {
        expect(await read(server.url, 2)).toEqual({ value: 42, status: 'PRESENT' });
        pids.add((await health(server.url)).pid);
      }
      expect(pids).not.toContain(pid);
    },
    { timeout: 30_000, interval: 100 },
  );
  isOver = true;
  await asking;
  expect(asked).toBeGreaterThan(10);
  expect([...answers]).toEqual([JSON.stringify({ value: 42, status: 'PRESENT' })]);
  expect(server.output().match(/workers are replaced/g)).toHaveLength(1);
  expect(server.output()).not.toContain('ended with');
  expect(await server.end('SIGTERM')).toBe(0);
});

test('workers that die while they are replaced leave as many as there were', async () => {
  const server = await serverProcess(project.env, '--workers', '2');
  const pids = async () => {
    const seen = new Set<number>();
    for (let i = 0; i < 8; i += 1) seen.add((await health(server.url)).pid);
    return seen;
  };
  const first = await pids();
  expect(first.size).toBe(2);
  await addVersion();
  expect(await tidemark(['apply'], { env: project.env })).toMatchObject({ code: 0 });
  await vi.waitFor(() => expect(server.output()).toContain('workers are replaced'), {
    timeout: 30_000,
    interval: 5,
  });
  // One waits for who takes its place, the other for its turn.
  for (const pid of first) process.kill(pid, 'SIGKILL');
  await vi.waitFor(
    async () => {
      const now = await pids();
      expect(now.size).toBe(2);
      for (const pid of first) expect(now).not.toContain(pid);
    },
    { timeout: 30_000, interval: 100 },
  );
  // A third would have been started at the same moment.
  await sleep(1500);
  expect((await pids()).size).toBe(2);
  expect(server.output().match(/ended with SIGKILL/g)).toHaveLength(1);
  expect(await server.end('SIGTERM')).toBe(0);
});

test('one process says that it has to be started again', async () => {
  const server = await serverProcess({ ...project.env, TIDEMARK_LOG: 'warn' });
  await addVersion();
  expect(await tidemark(['apply'], { env: project.env })).toMatchObject({ code: 0 });
  await vi.waitFor(
    async () =>
      expect(await health(server.url)).toMatchObject({
        status: 'degraded',
        dependencies: { functions: { status: 'outdated', views: ['doubled@v2'] } },
      }),
    { timeout: 30_000 },
  );
  expect(server.output()).toMatch(/doubled@v2.*start the server again/s);
  expect(await read(server.url, 2)).toEqual({ value: null, status: 'INVALID' });
  expect(await read(server.url, 1)).toEqual({ value: 42, status: 'PRESENT' });
  expect(await server.end('SIGTERM')).toBe(0);
});
