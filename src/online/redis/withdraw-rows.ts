import type { Withdrawal } from '../../core/rows.ts';
import { ByteWriter } from './byte-writer.ts';
import { writeRecency } from './codec.ts';
import { type PackedTable, packRow } from './packed-table.ts';
import type { RedisConnection } from './redis-connection.ts';
import { ScriptCall } from './resp.ts';
import { WITHDRAW } from './script.ts';

/** Withdrawals are rare: one call after the other is fast enough. */
const CALL_ROWS = 500;

export async function withdrawRows(
  connection: RedisConnection,
  scratch: ByteWriter,
  table: PackedTable,
  withdrawals: readonly Withdrawal[],
): Promise<number> {
  const script = connection.isClusterNode ? WITHDRAW.spread : WITHDRAW.single;
  let changed = 0;
  for (let from = 0; from < withdrawals.length; from += CALL_ROWS) {
    const part = withdrawals.slice(from, from + CALL_ROWS);
    const packed = new ByteWriter(64 * 1024);
    const ends = [0];
    const buckets = part.map(({ key, was, instead }) => {
      const bucket = table.entities.encode(packed, key);
      const keyBytes = packed.length - (ends.at(-1) ?? 0);
      ends.push(packed.length);
      writeRecency(packed, was);
      ends.push(packed.length);
      if (instead !== undefined) packRow(table, packed, instead, keyBytes);
      ends.push(packed.length);
      return bucket;
    });
    const call = new ScriptCall(scratch, script, part.length);
    for (const bucket of buckets) call.bucket(table.buckets, bucket);
    for (let i = 1; i < ends.length; i++) call.bytes(packed.bytes, ends[i - 1] ?? 0, ends[i] ?? 0);
    changed += Number(await connection.run(script, call.finish(), table.buckets.at(buckets[0] ?? 0)));
  }
  return changed;
}
