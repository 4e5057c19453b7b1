import { setTimeout as sleep } from 'node:timers/promises';
import { TidemarkError } from '../../core/errors.ts';
import { readSlots, SLOT_OF_BUCKET, type SlotRange } from './cluster-slots.ts';
import { connectForReads, type ReadConnection } from './read-connection.ts';
import { isElsewhere } from './redis-client.ts';
import { connectRedis, type RedisConnection } from './redis-connection.ts';

export interface RedisNode {
  readonly calls: RedisConnection;
  readonly reads: ReadConnection;
}

/** Who holds which rows, at one time. */
export interface RedisLayout {
  /** One, unless the server is a cluster. */
  readonly nodes: readonly RedisNode[];
  /** The index of the node that holds a bucket. */
  nodeOf(bucket: number): number;
}

export function callsOf({ nodes }: RedisLayout, node: number): RedisConnection {
  return nodeAt(nodes, node).calls;
}

export function readsOf({ nodes }: RedisLayout, node: number): ReadConnection {
  return nodeAt(nodes, node).reads;
}

function nodeAt(nodes: readonly RedisNode[], index: number): RedisNode {
  const node = nodes[index];
  if (node === undefined) throw new RangeError(`There is no node ${index}.`);
  return node;
}

/** The servers that hold the rows: one Redis, or the primaries of a cluster. */
export interface RedisNodes {
  /**
   * Runs `work`, which may be run again from its start: when rows have moved to other nodes meanwhile, after those
   * have been asked for.
   */
  run<T>(work: (layout: RedisLayout) => Promise<T>): Promise<T>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface RedisNodesOptions {
  readonly url: string;
  readonly timeoutMs: number;
  readonly readTimeoutMs: number;
}

/** How often work is run again in a cluster that is changing; it takes a second and a half in all. */
const RUNS = 7;
const FIRST_PAUSE_MILLIS = 25;

/** Whether the server is a cluster is asked once. STORE_UNAVAILABLE when it, or one of its primaries, is away. */
export async function openRedisNodes(options: RedisNodesOptions): Promise<RedisNodes> {
  const { url, timeoutMs } = options;
  const first = await connectRedis({ url, timeoutMs });
  try {
    const reply = await first.slots();
    if (reply !== null) {
      await first.close();
      return await openCluster(options, reply);
    }
    const node = { calls: first, reads: await connectForReads({ url, timeoutMs: options.readTimeoutMs }) };
    const layout: RedisLayout = { nodes: [node], nodeOf: () => 0 };
    return {
      run: (work) => work(layout),
      ping: () => ping(layout),
      close: () => closeNode(node),
    };
  } catch (error) {
    await first.close();
    throw error;
  }
}

async function openCluster(options: RedisNodesOptions, reply: unknown): Promise<RedisNodes> {
  const { url } = options;
  const { hostname } = new URL(url);
  const known = new Map<string, Promise<RedisNode>>();
  let layout = await layoutOf(reply);
  let changing: Promise<void> | undefined;

  async function layoutOf(slots: unknown): Promise<RedisLayout> {
    const ranges = readSlots(slots, hostname);
    if (ranges === undefined) {
      throw new TidemarkError(
        'STORE_UNAVAILABLE',
        'Cannot use the online store: the Redis Cluster is not whole, some of its slots are held by no node.',
      );
    }
    const addresses = [...new Set(ranges.map(addressOf))];
    const nodes = await Promise.all(addresses.map(connected));
    const owners = new Uint8Array(16_384);
    for (const range of ranges) owners.fill(addresses.indexOf(addressOf(range)), range.first, range.last + 1);
    return { nodes, nodeOf: (bucket) => owners[SLOT_OF_BUCKET[bucket] ?? 0] ?? 0 };
  }

  function connected(address: string): Promise<RedisNode> {
    const found = known.get(address);
    if (found !== undefined) return found;
    const opened = openNode(options, address);
    known.set(address, opened);
    opened.catch(() => known.delete(address));
    return opened;
  }

  /** Asks the nodes that are there, the first that answers decides; whether something is not as it was. */
  async function isChanged(before: RedisLayout): Promise<boolean> {
    if (layout !== before) return true;
    changing ??= (async () => {
      for (const { calls } of before.nodes) {
        const next = await calls
          .slots()
          .then(layoutOf)
          .catch(() => undefined);
        if (next === undefined) continue;
        if (!isSame(next, before)) layout = next;
        return;
      }
    })().finally(() => {
      changing = undefined;
    });
    await changing;
    return layout !== before;
  }

  return {
    async run(work) {
      for (let runs = 1; ; runs++) {
        const before = layout;
        try {
          return await work(before);
        } catch (error) {
          const isAway = error instanceof TidemarkError && error.code === 'STORE_UNAVAILABLE';
          if (!isAway || runs === RUNS) throw error;
          if (!(await isChanged(before)) && !isElsewhere(error)) throw error;
          await sleep(FIRST_PAUSE_MILLIS * 2 ** (runs - 1));
        }
      }
    },
    ping: () => ping(layout),
    async close() {
      await Promise.all([...known.values()].map(async (node) => closeNode(await node)));
    },
  };
}

/** The node as the given address reaches it: with the same user, password and TLS. */
async function openNode(
  { url, timeoutMs, readTimeoutMs }: RedisNodesOptions,
  address: string,
): Promise<RedisNode> {
  const own = new URL(url);
  own.host = address;
  const calls = await connectRedis({ url: own.href, timeoutMs, isClusterNode: true });
  try {
    return { calls, reads: await connectForReads({ url: own.href, timeoutMs: readTimeoutMs }) };
  } catch (error) {
    await calls.close();
    throw error;
  }
}

function addressOf({ host, port }: SlotRange): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function isSame(a: RedisLayout, b: RedisLayout): boolean {
  if (a.nodes.length !== b.nodes.length) return false;
  return SLOT_OF_BUCKET.every((_, bucket) => a.nodes[a.nodeOf(bucket)] === b.nodes[b.nodeOf(bucket)]);
}

async function ping({ nodes }: RedisLayout): Promise<void> {
  await Promise.all(nodes.flatMap(({ calls, reads }) => [calls.ping(), reads.ping()]));
}

async function closeNode({ calls, reads }: RedisNode): Promise<void> {
  await Promise.all([calls.close(), reads.close()]);
}
