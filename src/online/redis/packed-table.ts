import { TidemarkError } from '../../core/errors.ts';
import type { FeatureRow } from '../../core/rows.ts';
import type { Micros } from '../../core/time.ts';
import type { OnlineTable } from '../online-store.ts';
import { MAX_ROW_BYTES, rowLimit } from '../row-bytes.ts';
import { ByteWriter } from './byte-writer.ts';
import { type RowCodec, rowCodec } from './codec.ts';
import { type BucketKeys, bucketKeys, type EntityKeyCodec, entityKeyCodec } from './key.ts';

const DAY_MICROS = 86_400_000_000n;

/** What is worked out once for a table. */
export interface PackedTable {
  /** How errors call it. */
  readonly name: string;
  readonly buckets: BucketKeys;
  readonly entities: EntityKeyCodec;
  readonly rows: RowCodec;
  /** What a row may take with its key. */
  readonly maxRowBytes: number;
  /** How long after its event time a row is kept, in µs; null: for ever. */
  readonly keep: bigint | null;
}

/** By the object: whoever asks often keeps it. */
export function packedTables(
  prefix: string,
  maxRowBytes: number = MAX_ROW_BYTES,
): (table: OnlineTable) => PackedTable {
  const known = new WeakMap<OnlineTable, PackedTable>();
  return (table) => {
    const found = known.get(table);
    if (found !== undefined) return found;
    const packed = packTable(prefix, table, maxRowBytes);
    known.set(table, packed);
    return packed;
  };
}

function packTable(prefix: string, table: OnlineTable, maxRowBytes: number): PackedTable {
  const name = `view "${table.view}" at version ${table.version}`;
  return {
    name,
    buckets: bucketKeys(prefix, table, new ByteWriter(256)),
    entities: entityKeyCodec(name, table.keyTypes),
    rows: rowCodec(name, table.valueTypes, table.validity),
    maxRowBytes,
    keep: table.ttl === null ? null : keepTime(table.ttl),
  };
}

/** Appends the row, whose key takes `keyBytes`. TOO_LARGE beyond the limit of a row that is served. */
export function packRow(table: PackedTable, packed: ByteWriter, row: FeatureRow, keyBytes: number): void {
  const start = packed.length;
  table.rows.encode(packed, row);
  const bytes = packed.length - start + keyBytes;
  if (bytes <= table.maxRowBytes) return;
  const key = row.key
    .map((part) => (typeof part === 'string' ? JSON.stringify(part) : String(part)))
    .join(', ');
  throw new TidemarkError(
    'TOO_LARGE',
    `Cannot store a row of ${table.name}: that of the key ${key.length > 100 ? `${key.slice(0, 100)}…` : key} takes ` +
      `${bytes.toLocaleString('en-US')} bytes, and a row that is served at most ${rowLimit(table.maxRowBytes)}. ` +
      'Let the view make less of it, or raise the limit where workers and servers run.',
  );
}

/**
 * A row outlives its TTL by as much again, and by a day at least: so long "too old" can be told from "never there".
 */
export function keepTime(ttl: bigint): bigint {
  return ttl + (ttl > DAY_MICROS ? ttl : DAY_MICROS);
}

/** Without the rows that would be dropped as soon as they were written. */
export function keptRows(
  { keep }: PackedTable,
  rows: readonly FeatureRow[],
  now: Micros,
): readonly FeatureRow[] {
  if (keep === null) return rows;
  const oldest = now - keep;
  return rows.every((row) => row.eventTime > oldest) ? rows : rows.filter((row) => row.eventTime > oldest);
}
