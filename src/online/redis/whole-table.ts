import type { FeatureRow } from '../../core/rows.ts';
import type { ByteWriter } from './byte-writer.ts';
import { BUCKETS } from './key.ts';
import type { PackedTable } from './packed-table.ts';
import type { RedisConnection } from './redis-connection.ts';
import { ScriptCall } from './resp.ts';
import { DROP, SCAN, type Script } from './script.ts';

/** Buckets a call: a hundred or so keep an answer small at ten million entities. */
const SCAN_BUCKETS = 128;
const DROP_BUCKETS = 1024;

/** Goes through the buckets, which are known: what else the server holds does not matter. */
export async function* scanTable(
  connection: RedisConnection,
  scratch: ByteWriter,
  table: PackedTable,
): AsyncGenerator<readonly FeatureRow[]> {
  const ask = (from: number): Promise<unknown> => {
    const answer = onBuckets(connection, scratch, SCAN, table, from, SCAN_BUCKETS);
    // Asked for ahead of time; when the reader has stopped, nobody looks at it.
    answer.catch(() => {});
    return answer;
  };
  let next = ask(0);
  for (let from = SCAN_BUCKETS; from <= BUCKETS; from += SCAN_BUCKETS) {
    const found = [await next].flat();
    if (from < BUCKETS) next = ask(from);
    if (found.length > 0) yield rowsOf(table, found);
  }
}

export async function dropTable(
  connection: RedisConnection,
  scratch: ByteWriter,
  table: PackedTable,
): Promise<number> {
  let dropped = 0;
  for (let from = 0; from < BUCKETS; from += DROP_BUCKETS) {
    dropped += Number(await onBuckets(connection, scratch, DROP, table, from, DROP_BUCKETS));
  }
  return dropped;
}

function onBuckets(
  connection: RedisConnection,
  scratch: ByteWriter,
  script: Script,
  { buckets }: PackedTable,
  from: number,
  count: number,
): Promise<unknown> {
  const call = new ScriptCall(scratch, script, count);
  for (let bucket = from; bucket < from + count; bucket++) call.bucket(buckets, bucket);
  return connection.run(script, call.finish(), buckets.at(from));
}

/** `found`: field, row, field, row, ... */
function rowsOf(table: PackedTable, found: readonly unknown[]): readonly FeatureRow[] {
  const rows: FeatureRow[] = [];
  for (let i = 0; i + 1 < found.length; i += 2) {
    const field = found[i];
    const row = found[i + 1];
    if (!(field instanceof Buffer) || !(row instanceof Buffer)) continue;
    rows.push({ key: table.entities.decode(field), ...table.rows.decode(row) });
  }
  return rows;
}
