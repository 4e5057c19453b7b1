import type { FeatureRow } from '../../core/rows.ts';
import type { Micros } from '../../core/time.ts';
import type { OnlineTable } from '../online-store.ts';
import { ByteWriter } from './byte-writer.ts';
import { type RowCodec, rowCodec } from './codec.ts';
import { type BucketKeys, bucketKeys, type EntityKeyCodec, entityKeyCodec } from './key.ts';

const DAY_MICROS = 86_400_000_000n;

/** What is worked out once for a table. */
export interface PackedTable {
  readonly buckets: BucketKeys;
  readonly entities: EntityKeyCodec;
  readonly rows: RowCodec;
  /** How long after its event time a row is kept, in µs; null: for ever. */
  readonly keep: bigint | null;
}

/** By the object: whoever asks often keeps it. */
export function packedTables(prefix: string): (table: OnlineTable) => PackedTable {
  const known = new WeakMap<OnlineTable, PackedTable>();
  return (table) => {
    const found = known.get(table);
    if (found !== undefined) return found;
    const packed = packTable(prefix, table);
    known.set(table, packed);
    return packed;
  };
}

function packTable(prefix: string, table: OnlineTable): PackedTable {
  const name = `view "${table.view}" at version ${table.version}`;
  return {
    buckets: bucketKeys(prefix, table, new ByteWriter(256)),
    entities: entityKeyCodec(name, table.keyTypes),
    rows: rowCodec(name, table.valueTypes, table.validity),
    keep: table.ttl === null ? null : keepTime(table.ttl),
  };
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
