import type { FeatureRow } from '../../core/rows.ts';
import type { ReadRequest } from '../online-store.ts';
import { ByteWriter } from './byte-writer.ts';
import type { PackedTable } from './packed-table.ts';
import type { RedisConnection } from './redis-connection.ts';
import { ScriptCall } from './resp.ts';
import { READ } from './script.ts';

const CHUNK = 1000;

interface Lookup {
  readonly table: PackedTable;
  readonly bucket: number;
  /** Where its field starts and ends. */
  readonly start: number;
  readonly end: number;
}

/** All keys of all requests in one round trip: the calls, one for each thousand keys, are sent together. */
export async function readRows(
  connection: RedisConnection,
  scratch: ByteWriter,
  requests: readonly ReadRequest[],
  tableOf: (table: ReadRequest['table']) => PackedTable,
): Promise<readonly (readonly (FeatureRow | undefined)[])[]> {
  const fields = new ByteWriter(16 * 1024);
  const lookups: Lookup[] = [];
  for (const request of requests) {
    const table = tableOf(request.table);
    for (const key of request.keys) {
      const start = fields.length;
      const bucket = table.entities.encode(fields, key);
      lookups.push({ table, bucket, start, end: fields.length });
    }
  }
  const calls: Promise<unknown>[] = [];
  for (let from = 0; from < lookups.length; from += CHUNK) {
    const chunk = lookups.slice(from, from + CHUNK);
    const call = readCall(scratch, chunk, fields);
    calls.push(connection.run(READ, call.bytes, call.firstKey));
  }
  const found = (await Promise.all(calls)).flat();
  let next = 0;
  return requests.map((request) => {
    const { rows } = tableOf(request.table);
    return request.keys.map((key) => {
      const bytes = found[next++];
      if (!(bytes instanceof Buffer)) return undefined;
      const { eventTime, createdTime, revision, values } = rows.decode(bytes);
      return { key, eventTime, createdTime, revision, values };
    });
  });
}

function readCall(scratch: ByteWriter, lookups: readonly Lookup[], fields: ByteWriter) {
  const call = new ScriptCall(scratch, READ, lookups.length);
  for (const { table, bucket } of lookups) call.bucket(table.buckets, bucket);
  for (const { start, end } of lookups) call.bytes(fields.bytes, start, end);
  const [first] = lookups;
  return { bytes: call.finish(), firstKey: first?.table.buckets.at(first.bucket) ?? Buffer.alloc(0) };
}
