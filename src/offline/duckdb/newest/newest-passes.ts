import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { JoinKey } from '../../../core/entity.ts';
import type { BatchViewSpec } from '../../../core/feature-view.ts';
import { valueTypeOf } from '../../../core/value-type.ts';
import type { LatestRequest } from '../../feature-reader.ts';
import { fileList, identifier, literalPath } from '../sql-text.ts';
import { hasPlaceSql, PLACES } from './integer-place.ts';

/**
 * What the rows of one pass may take in DuckDB's memory, about. Ten million entities in one pass took 1.7 GB, or
 * spilled to disk; a pass costs a scan of all files, without sorting what it leaves out.
 */
export const PASS_BYTES = 200_000_000;
/** Beyond, every pass holds more, and DuckDB spills what is above its own limit. */
const MOST_PASSES = 16;

/**
 * Conditions over the files' rows that part the entities, so that each part's newest rows can be found alone. Parts
 * are of places (`__place`) where those can be told in SQL, so that all rows of a place come in one pass.
 */
export async function entityParts(
  connection: DuckDBConnection,
  { view, slices }: LatestRequest,
  { offlineRoot, passBytes }: { readonly offlineRoot: string; readonly passBytes: number },
): Promise<readonly string[]> {
  // Without keys there is one newest row: it is found by one pass that keeps no more.
  if (view.joinKeys.length === 0) return ['true'];
  const paths = [...new Set(slices.map(({ path }) => literalPath(join(offlineRoot, path))))];
  const counted = await connection.runAndReadAll(
    `SELECT sum(num_rows) FROM parquet_file_metadata(${fileList(paths)})`,
  );
  const rows = Number(counted.getRows()[0]?.[0] ?? 0);
  const passes = Math.min(MOST_PASSES, Math.ceil((rows * rowBytes(view)) / passBytes));
  if (passes <= 1) return ['true'];
  const of = (condition: (pass: number) => string) => Array.from({ length: passes }, (_, p) => condition(p));
  const first = (pass: number) => Math.floor((pass * PLACES) / passes);
  if (hasPlaceSql(view)) return of((pass) => `__place >= ${first(pass)} AND __place < ${first(pass + 1)}`);
  const entity = `hash(${view.joinKeys.map((_, index) => neighbours(view, index)).join(', ')})`;
  return of((pass) => `${entity} % ${passes} = ${pass}`);
}

/** A join key; of the last one, when it is a number, what sixteen neighbours have in common. */
function neighbours({ joinKeys }: BatchViewSpec, index: number): string {
  const column = identifier(joinKeys[index]?.name ?? '');
  return index === joinKeys.length - 1 && isInteger(joinKeys[index]) ? `(${column} >> 4)` : column;
}

function isInteger(key: JoinKey | undefined): boolean {
  return key?.type === 'int32' || key?.type === 'int64';
}

/** A guess; only the number of passes hangs on it. */
function rowBytes({ joinKeys, features }: BatchViewSpec): number {
  const columns = [...joinKeys, ...features].map(({ type }) => {
    const parsed = valueTypeOf(type);
    if (parsed.kind === 'vector') return parsed.size * 4;
    if (parsed.kind === 'array') return 100;
    return parsed.type === 'string' || parsed.type === 'bytes' || parsed.type === 'json' ? 24 : 8;
  });
  return columns.reduce((sum, bytes) => sum + bytes, 30);
}
