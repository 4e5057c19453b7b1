import type { FeatureRow } from '../../core/rows.ts';
import { bucketsByNode } from './by-node.ts';
import type { ByteWriter } from './byte-writer.ts';
import { BUCKETS } from './key.ts';
import type { PackedTable } from './packed-table.ts';
import { callsOf, type RedisNodes } from './redis-nodes.ts';
import { ScriptCall } from './resp.ts';
import { DROP, SCAN, type ScriptPair } from './script.ts';

/** Buckets a call: a hundred or so keep an answer small at ten million entities. */
const SCAN_BUCKETS = 128;
const DROP_BUCKETS = 1024;

/** Goes through the buckets, which are known: what else the server holds does not matter. */
export async function* scanTable(
  nodes: RedisNodes,
  scratch: ByteWriter,
  table: PackedTable,
): AsyncGenerator<readonly FeatureRow[]> {
  const ask = (from: number): Promise<readonly unknown[]> => {
    const answer = onBuckets(nodes, scratch, SCAN, table, from, SCAN_BUCKETS);
    // Asked for ahead of time; when the reader has stopped, nobody looks at it.
    answer.catch(() => {});
    return answer;
  };
  let next = ask(0);
  for (let from = SCAN_BUCKETS; from <= BUCKETS; from += SCAN_BUCKETS) {
    const found = (await next).flat();
    if (from < BUCKETS) next = ask(from);
    if (found.length > 0) yield rowsOf(table, found);
  }
}

export async function dropTable(nodes: RedisNodes, scratch: ByteWriter, table: PackedTable): Promise<number> {
  let dropped = 0;
  for (let from = 0; from < BUCKETS; from += DROP_BUCKETS) {
    const answers = await onBuckets(nodes, scratch, DROP, table, from, DROP_BUCKETS);
    for (const rows of answers) dropped += Number(rows);
  }
  return dropped;
}

/** What each node answers for its part of the buckets. */
function onBuckets(
  nodes: RedisNodes,
  scratch: ByteWriter,
  scripts: ScriptPair,
  { buckets }: PackedTable,
  from: number,
  count: number,
): Promise<readonly unknown[]> {
  return nodes.run((layout) =>
    Promise.all(
      bucketsByNode(layout, from, count).map(({ node, items }) => {
        const connection = callsOf(layout, node);
        const script = connection.isClusterNode ? scripts.spread : scripts.single;
        const call = new ScriptCall(scratch, script, items.length);
        for (const bucket of items) call.bucket(buckets, bucket);
        return connection.run(script, call.finish(), buckets.at(items[0] ?? from));
      }),
    ),
  );
}

/** `found`: field, row, field, row, ... */
function rowsOf(table: PackedTable, found: readonly unknown[]): readonly FeatureRow[] {
  const rows: FeatureRow[] = [];
  for (let i = 0; i + 1 < found.length; i += 2) {
    const field = found[i];
    const row = found[i + 1];
    if (!(field instanceof Buffer) || !(row instanceof Buffer)) continue;
    rows.push(table.rows.decode(table.entities.decode(field), row));
  }
  return rows;
}
