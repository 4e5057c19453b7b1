import type { FeatureRow } from '../../core/rows.ts';
import type { KeyValue } from '../../core/value-type.ts';
import type { ReadRequest } from '../online-store.ts';
import { ByteWriter } from './byte-writer.ts';
import type { PackedTable } from './packed-table.ts';
import type { RedisLayout } from './redis-nodes.ts';

/** The part of something that one node holds. */
export interface NodePart<Item> {
  readonly node: number;
  readonly items: readonly Item[];
}

/** Cuts what concerns single entities by the nodes that hold them; order is kept. A wrong key is REQUEST_INVALID. */
export function rowsByNode<Item extends { readonly key: readonly KeyValue[] }>(
  layout: RedisLayout,
  { entities }: PackedTable,
  items: readonly Item[],
): readonly NodePart<Item>[] {
  if (layout.nodes.length === 1) return [{ node: 0, items }];
  const writer = new ByteWriter(64);
  return byNode(layout, items, ({ key }) => {
    writer.length = 0;
    return entities.encode(writer, key);
  });
}

export function bucketsByNode(layout: RedisLayout, from: number, count: number): readonly NodePart<number>[] {
  const buckets = Array.from({ length: count }, (_, at) => from + at);
  return byNode(layout, buckets, (bucket) => bucket);
}

function byNode<Item>(
  layout: RedisLayout,
  items: readonly Item[],
  bucketOf: (item: Item) => number,
): readonly NodePart<Item>[] {
  const parts = layout.nodes.map((): Item[] => []);
  for (const item of items) parts[layout.nodeOf(bucketOf(item))]?.push(item);
  return parts.map((part, node) => ({ node, items: part })).filter((part) => part.items.length > 0);
}

type Rows = readonly (FeatureRow | undefined)[];

/** Asks each node for its part of the requests, at once, and puts the answers together again. */
export async function readByNode(
  layout: RedisLayout,
  requests: readonly ReadRequest[],
  tableOf: (table: ReadRequest['table']) => PackedTable,
  read: (node: number, requests: readonly ReadRequest[]) => Promise<readonly Rows[]>,
): Promise<readonly Rows[]> {
  if (layout.nodes.length === 1) return read(0, requests);
  const found = requests.map(({ keys }) => new Array<FeatureRow | undefined>(keys.length).fill(undefined));
  const places = requests.map(({ table, keys }) =>
    rowsByNode(
      layout,
      tableOf(table),
      keys.map((key, at) => ({ key, at })),
    ),
  );
  await Promise.all(
    layout.nodes.map(async (_, node) => {
      const own = places.map((parts) => parts.find((part) => part.node === node)?.items ?? []);
      if (own.every((items) => items.length === 0)) return;
      const asked = requests.map(({ table }, i) => ({ table, keys: (own[i] ?? []).map(({ key }) => key) }));
      const rows = await read(node, asked);
      for (const [i, items] of own.entries()) {
        for (const [j, { at }] of items.entries()) {
          const into = found[i];
          if (into !== undefined) into[at] = rows[i]?.[j];
        }
      }
    }),
  );
  return found;
}
