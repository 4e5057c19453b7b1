import { Agent, request } from 'node:http';
import { beforeAll, expect, test, vi } from 'vitest';
import { appliedProject, type TestProject } from '../support/project.ts';
import { serverProcess } from '../support/server-process.ts';
import { shop } from '../support/shop.ts';

/** `tidemark serve` as processes: what a load balancer, an operator and Prometheus see of it. */
let project: TestProject;
const BODY = JSON.stringify({
  features: ['spend:orders_6h'],
  entities: { user_id: Array.from({ length: 50 }, (_, i) => i) },
});

beforeAll(async () => {
  project = await appliedProject(shop('0 * * * *'));
});

interface Clients {
  readonly served: () => number;
  /** Requests that were sent and not answered with 200. */
  readonly lost: readonly string[];
  /** Resolves when nobody accepts connections any more. */
  readonly refused: Promise<unknown>;
}

/** Clients that ask without a pause, until they cannot connect; each keeps its connection, or opens one a request. */
function clients(url: string, count: number, keepAlive = true): Clients {
  let served = 0;
  const lost: string[] = [];
  const agent = new Agent({ keepAlive, maxSockets: count });
  const ask = () =>
    new Promise<'served' | 'refused'>((resolve, reject) => {
      const headers = { 'content-length': Buffer.byteLength(BODY) };
      const sent = request(`${url}/get-online-features`, { method: 'POST', agent, headers }, (response) => {
        response.resume();
        response.once('error', reject);
        response.once('end', () =>
          response.statusCode === 200 ? resolve('served') : reject(new Error(`${response.statusCode}`)),
        );
      });
      sent.setTimeout(10_000, () => sent.destroy(new Error('left hanging')));
      sent.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNREFUSED' ? resolve('refused') : reject(error),
      );
      sent.end(BODY);
    });
  const one = async () => {
    for (;;) {
      const outcome = await ask().catch((error: Error) => {
        lost.push(error.message);
        return 'lost';
      });
      if (outcome === 'refused') return;
      if (outcome === 'served') served += 1;
    }
  };
  const refused = Promise.all(Array.from({ length: count }, one)).finally(() => agent.destroy());
  return { served: () => served, lost, refused };
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .map((line) => Number(line.split(' ').at(-1)));
  return values.reduce((sum, value) => sum + value, 0);
}

/** Of the process that answers a new connection. */
async function pidOf(url: string): Promise<number> {
  const response = await fetch(`${url}/health`, { headers: { connection: 'close' } });
  return ((await response.json()) as { pid: number }).pid;
}

/** The processes of two workers, once each has answered. */
async function bothWorkers(url: string): Promise<readonly number[]> {
  const pids = new Set<number>();
  await vi.waitFor(
    async () => {
      pids.add(await pidOf(url));
      expect(pids.size).toBe(2);
    },
    { timeout: 30_000 },
  );
  return [...pids];
}

test('a server that is told to stop under load answers every request it was sent, and exits with 0', async () => {
  const server = await serverProcess(project.env);
  const load = clients(server.url, 8);
  await vi.waitFor(() => expect(load.served()).toBeGreaterThan(50), { timeout: 30_000 });
  const code = await server.end('SIGTERM');
  await load.refused;
  expect(load.lost).toEqual([]);
  expect(code).toBe(0);
});

test('workers share the port, tell their figures as one, and end with the first, losing no request', async () => {
  const server = await serverProcess(project.env, '--workers', '2');
  await bothWorkers(server.url);

  const load = clients(server.url, 8);
  await vi.waitFor(() => expect(load.served()).toBeGreaterThan(50), { timeout: 30_000 });
  const seen = load.served();
  expect(await metric(server.url, 'tidemark_entity_rows_total')).toBeGreaterThanOrEqual(seen * 50);

  const code = await server.end('SIGTERM');
  await load.refused;
  expect(load.lost).toEqual([]);
  expect(code).toBe(0);
});

test('a worker that dies is replaced', async () => {
  const server = await serverProcess(project.env, '--workers', '2');
  const victim = await pidOf(server.url);
  process.kill(victim, 'SIGKILL');
  await expect.poll(() => server.output()).toContain(`Worker ${victim} ended with SIGKILL`);
  expect(await bothWorkers(server.url)).not.toContain(victim);
  expect(await server.end('SIGTERM')).toBe(0);
});

test.for([
  { name: 'one process', args: [] },
  { name: 'workers', args: ['--workers', '2'] },
])(
  '$name: who connects anew for each request is answered or refused when it ends, and not cut off',
  async ({ args }) => {
    const server = await serverProcess(project.env, ...args);
    const load = clients(server.url, 16, false);
    await vi.waitFor(() => expect(load.served()).toBeGreaterThan(200), { timeout: 30_000 });
    const code = await server.end('SIGTERM');
    await load.refused;
    // Closing a port takes a tenth of a millisecond, in which the system still lets somebody in, and cuts them off.
    expect(load.lost.length).toBeLessThanOrEqual(1);
    expect(code).toBe(0);
  },
);

test.for([
  { name: 'one process', args: [] },
  { name: 'workers', args: ['--workers', '2'] },
])(
  '$name: through the grace it answers new connections, and says that others should be asked',
  async ({ args }) => {
    const server = await serverProcess(project.env, '--grace', '2s', ...args);
    const load = clients(server.url, 4);
    await vi.waitFor(() => expect(load.served()).toBeGreaterThan(20), { timeout: 30_000 });
    const signalled = performance.now();
    const ended = server.end('SIGTERM');
    await vi.waitFor(async () => {
      const health = await fetch(`${server.url}/health`);
      expect(health.status).toBe(503);
      expect(await health.json()).toMatchObject({ status: 'draining' });
      expect(health.headers.get('connection')).toBe('close');
    });
    const seen = load.served();
    await load.refused;
    expect(performance.now() - signalled).toBeGreaterThan(1900);
    expect(load.served()).toBeGreaterThan(seen + 20);
    expect(load.lost).toEqual([]);
    expect(await ended).toBe(0);
  },
);

test('a worker that is killed takes only what it was answering along: nobody is left hanging or refused', async () => {
  const server = await serverProcess(project.env, '--workers', '2');
  const load = clients(server.url, 16, false);
  for (let round = 1; round <= 3; round += 1) {
    const seen = load.served();
    await vi.waitFor(() => expect(load.served()).toBeGreaterThan(seen + 100), { timeout: 30_000 });
    process.kill(await pidOf(server.url), 'SIGKILL');
    await expect.poll(() => server.output().match(/ended with SIGKILL/g)).toHaveLength(round);
  }
  const seen = load.served();
  await vi.waitFor(() => expect(load.served()).toBeGreaterThan(seen + 100), { timeout: 30_000 });
  const { length } = load.lost;
  // What a killed worker was answering.
  expect(length).toBeLessThanOrEqual(3 * 16);
  expect(await server.end('SIGTERM')).toBe(0);
  await load.refused;
  expect(load.lost).not.toContain('left hanging');
  // As above, where somebody connects while the port is closed.
  expect(load.lost.length).toBeLessThanOrEqual(length + 1);
});

test('workers whose first process is killed answer what they were sent, and end without a word', async () => {
  const server = await serverProcess(project.env, '--workers', '2');
  const pids = await bothWorkers(server.url);
  const load = clients(server.url, 8);
  await vi.waitFor(() => expect(load.served()).toBeGreaterThan(200), { timeout: 30_000 });
  await server.end('SIGKILL');
  await load.refused;
  expect(load.lost).toEqual([]);
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  await expect.poll(() => pids.filter(isAlive), { timeout: 30_000 }).toEqual([]);
  expect(server.output()).not.toMatch(/Error|INTERNAL/);
});

test('a port that is taken is one clear error, also of workers', async () => {
  const server = await serverProcess(project.env);
  const { port } = new URL(server.url);
  await expect(serverProcess(project.env, '--workers', '2', '--port', port)).rejects.toThrow(
    /ended with 1: .*CONFIG_INVALID: Cannot serve on /s,
  );
  await server.end('SIGTERM');
});
