import { TidemarkError } from '../../core/errors.ts';
import { type Clock, systemClock } from '../../core/time.ts';
import type { OnlineStore } from '../online-store.ts';
import { MAX_ROW_BYTES } from '../row-bytes.ts';
import { readByNode, rowsByNode } from './by-node.ts';
import { ByteWriter } from './byte-writer.ts';
import { packedTables } from './packed-table.ts';
import { readRows } from './read-rows.ts';
import { callsOf, openRedisNodes, readsOf } from './redis-nodes.ts';
import { dropTable, scanTable } from './whole-table.ts';
import { withdrawRows } from './withdraw-rows.ts';
import { writeRows } from './write-rows.ts';

export interface RedisOnlineStoreOptions {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS. */
  readonly url: string;
  /** What all keys start with: two prefixes are two stores. Must not hold a brace. */
  readonly prefix?: string;
  /** Judges which rows are past their time. */
  readonly clock?: Clock;
  /** What a row may take with its key; default 1 MiB. A larger one is TOO_LARGE, and names view and key. */
  readonly maxRowBytes?: number;
  /** What the rows of one reading may take together, at one node; default 256 MiB. */
  readonly maxReadBytes?: number;
  /** How long an answer may take before the store counts as unavailable; 5 s unless told. A refusal shows at once. */
  readonly timeoutMs?: number;
  /** The same for `read` and `ping`, which somebody waits for; 2 s, or `timeoutMs` where that is less. */
  readonly readTimeoutMs?: number;
}

/**
 * The online store in Redis 7 or newer, or Valkey (see `key.ts` for the layout). Throws STORE_UNAVAILABLE when it
 * cannot be reached now, CONFIG_INVALID for a bad URL or prefix. Later it connects again by itself, and while Redis
 * is away every call fails at once with STORE_UNAVAILABLE.
 *
 * Keep the `OnlineTable` objects that are used often: what is worked out for one is remembered by the object.
 */
export async function createRedisOnlineStore(options: RedisOnlineStoreOptions): Promise<OnlineStore> {
  const { url, prefix = 'tidemark', clock = systemClock, timeoutMs = 5000 } = options;
  const { readTimeoutMs = Math.min(timeoutMs, 2000), maxRowBytes = MAX_ROW_BYTES } = options;
  const { maxReadBytes = 256 * 1024 * 1024 } = options;
  if (/[{}]/.test(prefix)) {
    throw new TidemarkError(
      'CONFIG_INVALID',
      `Cannot use "${prefix}" as the prefix of keys: it holds a brace.`,
    );
  }
  const tableOf = packedTables(prefix, maxRowBytes);
  const nodes = await openRedisNodes({ url, timeoutMs, readTimeoutMs });
  // Filled and copied from without a pause in between, so that all calls can share it.
  const scratch = new ByteWriter(256 * 1024);
  return {
    write: (table, rows) =>
      nodes.run(async (layout) => {
        const packed = tableOf(table);
        const results = await settledAll(
          rowsByNode(layout, packed, rows).map(({ node, items }) =>
            writeRows(callsOf(layout, node), scratch, packed, items, clock),
          ),
        );
        const written = results.reduce((sum, result) => sum + result.written, 0);
        return { written, unchanged: rows.length - written };
      }),
    withdraw: (table, withdrawals) =>
      nodes.run(async (layout) => {
        const packed = tableOf(table);
        const changed = await settledAll(
          rowsByNode(layout, packed, withdrawals).map(({ node, items }) =>
            withdrawRows(callsOf(layout, node), scratch, packed, items),
          ),
        );
        return changed.reduce((sum, rows) => sum + rows, 0);
      }),
    read: (requests) =>
      nodes.run((layout) =>
        readByNode(layout, requests, tableOf, (node, own) =>
          readRows(readsOf(layout, node), scratch, own, { tableOf, maxBytes: maxReadBytes }),
        ),
      ),
    placeOf: (table) => {
      const { entities } = tableOf(table);
      return (key) => {
        scratch.length = 0;
        return entities.encode(scratch, key);
      };
    },
    scan: (table) => scanTable(nodes, scratch, tableOf(table)),
    drop: (table) => dropTable(nodes, scratch, tableOf(table)),
    ping: () => nodes.ping(),
    close: () => nodes.close(),
  };
}

/** Waits for all of them, then throws the first failure: nothing is left under way. */
async function settledAll<T>(parts: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(parts);
  return Promise.all(parts);
}
