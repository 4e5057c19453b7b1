import type { FeatureRow } from '../../core/rows.ts';
import type { Clock } from '../../core/time.ts';
import type { WriteResult } from '../online-store.ts';
import type { ByteWriter } from './byte-writer.ts';
import { keptRows, type PackedTable } from './packed-table.ts';
import type { RedisConnection } from './redis-connection.ts';
import { WRITE } from './script.ts';
import { writeCalls } from './write-calls.ts';

/** Enough to keep the server busy; all that a write holds in memory beyond its rows and their keys. */
const IN_FLIGHT_BYTES = 2 * 1024 * 1024;

export async function writeRows(
  connection: RedisConnection,
  scratch: ByteWriter,
  table: PackedTable,
  rows: readonly FeatureRow[],
  clock: Clock,
): Promise<WriteResult> {
  const now = clock();
  const script = connection.isClusterNode ? WRITE.spread : WRITE.single;
  const inFlight: { readonly bytes: number; readonly written: Promise<number> }[] = [];
  let bytes = 0;
  let written = 0;

  async function finishOne(): Promise<void> {
    const first = inFlight.shift();
    if (first === undefined) return;
    written += await first.written;
    bytes -= first.bytes;
  }

  try {
    for (const call of writeCalls(script, table, keptRows(table, rows, now), now, scratch)) {
      while (bytes > 0 && bytes + call.bytes.length > IN_FLIGHT_BYTES) await finishOne();
      const answer = connection.run(script, call.bytes, call.firstKey).then(Number);
      // It is looked at in its turn; until then a failure is nobody's surprise.
      answer.catch(() => {});
      inFlight.push({ bytes: call.bytes.length, written: answer });
      bytes += call.bytes.length;
    }
    while (inFlight.length > 0) await finishOne();
  } finally {
    // Also after an error nothing is left under way: whoever repeats the write starts from rest.
    await Promise.allSettled(inFlight.map((call) => call.written));
  }
  return { written, unchanged: rows.length - written };
}
