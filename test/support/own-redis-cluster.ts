import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from '../../src/stack/ports.ts';
import { type OwnRedis, ownRedis } from './own-redis.ts';

export const SLOTS = 16_384;

/** A Redis Cluster of one test's own, of three primaries on 127.0.0.1; each holds a third of the slots. */
export interface OwnRedisCluster {
  /** Of the first node; any of them would do. */
  readonly url: string;
  readonly servers: readonly OwnRedis[];
  readonly clients: readonly Redis[];
  /** Waits until every node says that the cluster can be used. */
  whole(): Promise<void>;
  /** Gives a slot with its keys to another node, as a person does who adds one. */
  moveSlot(slot: number, to: number): Promise<void>;
  /** A server that takes over when the node is gone; ready when this resolves. Removed with the cluster. */
  addReplicaOf(node: number): Promise<void>;
  remove(): Promise<void>;
}

export async function ownRedisCluster(password = ''): Promise<OwnRedisCluster> {
  const serverOn = (bus: number) =>
    ownRedis([
      ...['--cluster-enabled', 'yes', '--cluster-port', String(bus)],
      ...['--cluster-node-timeout', '2000', '--cluster-announce-ip', '127.0.0.1'],
      ...(password === '' ? [] : ['--requirepass', password, '--masterauth', password]),
    ]);
  const buses = await Promise.all([freePort(), freePort(), freePort()]);
  const servers = await Promise.all(buses.map(serverOn));
  const replicas: OwnRedis[] = [];
  await Promise.all(servers.map((server) => server.start()));
  const clients = servers.map((server) => new Redis(server.url, { password, retryStrategy: () => 50 }));
  for (const client of clients) client.on('error', () => {});
  const share = Math.ceil(SLOTS / servers.length);
  for (const [i, client] of clients.entries()) {
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1));
    await client.call(
      'CLUSTER',
      'ADDSLOTSRANGE',
      String(i * share),
      String(Math.min(SLOTS, (i + 1) * share) - 1),
    );
  }
  for (const [i, server] of servers.entries())
    await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', String(server.port), String(buses[i]));

  async function whole(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const states = await Promise.all(clients.map((client) => stateOf(client)));
      if (
        states.every((state) => state.includes('cluster_state:ok') && state.includes('cluster_known_nodes:3'))
      )
        return;
      if (tries === 400) throw new Error(`The cluster has not come up: ${states.join('\n')}`);
      await sleep(25);
    }
  }

  await whole();
  const ids = await Promise.all(clients.map(async (client) => String(await client.call('CLUSTER', 'MYID'))));
  return {
    url: (servers[0]?.url ?? '').replace('//', password === '' ? '//' : `//:${password}@`),
    servers,
    clients,
    whole,
    async moveSlot(slot, to) {
      const owners = await Promise.all(clients.map((client) => holdsSlot(client, slot)));
      const from = owners.indexOf(true);
      const [source, target] = [clients[from], clients[to]];
      if (source === undefined || target === undefined || from === to) return;
      await target.call('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', ids[from] ?? '');
      await source.call('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', ids[to] ?? '');
      const keys = (await source.callBuffer('CLUSTER', 'GETKEYSINSLOT', String(slot), '10000')) as Buffer[];
      if (keys.length > 0) {
        const port = String(servers[to]?.port);
        await source.call('MIGRATE', '127.0.0.1', port, '', '0', '5000', 'KEYS', ...keys);
      }
      for (const client of [target, source, ...clients])
        await client.call('CLUSTER', 'SETSLOT', String(slot), 'NODE', ids[to] ?? '');
    },
    async addReplicaOf(node) {
      const bus = await freePort();
      const server = await serverOn(bus);
      replicas.push(server);
      await server.start();
      const client = new Redis(server.url, { password });
      await clients[node]?.call('CLUSTER', 'MEET', '127.0.0.1', String(server.port), String(bus));
      // It has to have heard of the node that it copies.
      for (let tries = 0; tries < 200; tries++) {
        const isReplica = await client.call('CLUSTER', 'REPLICATE', ids[node] ?? '').catch(() => undefined);
        if (isReplica !== undefined && (await client.info('replication')).includes('master_link_status:up'))
          break;
        await sleep(50);
      }
      client.disconnect();
    },
    async remove() {
      for (const client of clients) client.disconnect();
      await Promise.all([...servers, ...replicas].map((server) => server.remove()));
    },
  };
}

async function stateOf(client: Redis): Promise<string> {
  return String(await client.call('CLUSTER', 'INFO').catch(String));
}

async function holdsSlot(client: Redis, slot: number): Promise<boolean> {
  const nodes = String(await client.call('CLUSTER', 'NODES'));
  const own = nodes.split('\n').find((line) => line.includes('myself')) ?? '';
  return own
    .split(' ')
    .slice(8)
    .some((range) => {
      const [first = Number.NaN, last = first] = range.split('-').map(Number);
      return first <= slot && slot <= last;
    });
}
