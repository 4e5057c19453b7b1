import type { DuckDBConnection } from '@duckdb/node-api';
import type { JoinKey } from '../../../core/entity.ts';
import type { EngineColumn } from '../sources/source-scan.ts';
import type { FileFacts } from './as-of-facts.ts';
import type { Bounds } from './bounds.ts';
import { fitsInteger, isInteger, narrowInteger } from './narrow-integer.ts';
import type { LoadedSpine } from './spine.ts';
import { keySql } from './spine-columns.ts';

/** How a spine column goes along through a join: in few bytes, for every one of them is sorted twice. */
export interface CarriedColumn {
  /** An SQL value of a row of `__spine`, or what goes along anyway: the join key at a position, or the row's time. */
  readonly as: string | { readonly key: number } | 'time';
  /** The column's own value again; `sql` is what came through. */
  readonly restore: (sql: string) => string;
}

/** By position of the column. */
export async function carriedColumns(
  connection: DuckDBConnection,
  { columns, timeColumn }: Pick<LoadedSpine, 'columns' | 'timeColumn'>,
  view: {
    readonly joinKeys: readonly JoinKey[];
    readonly keyColumns: readonly number[];
    readonly facts: Pick<FileFacts, 'keys'>;
  },
): Promise<readonly CarriedColumn[]> {
  const bounds = await integerBounds(connection, columns);
  return columns.map(({ engineType }, at): CarriedColumn => {
    const cast = (sql: string) => `CAST(${sql} AS ${engineType})`;
    const found = bounds.get(at) ?? null;
    const key = view.keyColumns.indexOf(at);
    if (isKeyItself(view.joinKeys[key], engineType, { found, inFiles: view.facts.keys[key] ?? null })) {
      return { as: { key }, restore: cast };
    }
    if (at === timeColumn && engineType === 'TIMESTAMP') {
      return { as: 'time', restore: (sql) => `make_timestamp(${sql})` };
    }
    const narrow = found === null ? engineType : narrowInteger(found, engineType);
    if (narrow === engineType) return { as: `c${at}`, restore: (sql) => sql };
    return { as: `CAST(c${at} AS ${narrow})`, restore: cast };
  });
}

/** Whether what is compared with the files' key is the column's value; an INTEGER only when it holds all values. */
function isKeyItself(
  key: JoinKey | undefined,
  engineType: string,
  { found, inFiles }: { readonly found: Bounds | null; readonly inFiles: Bounds | null },
): boolean {
  if (key === undefined) return false;
  if (fitsInteger(inFiles)) return fitsInteger(found);
  return keySql(key, 'c') === 'c' || engineType === 'VARCHAR';
}

/** By position, of the columns that have values. DuckDB knows them of tables and Parquet files without reading rows. */
async function integerBounds(
  connection: DuckDBConnection,
  columns: readonly EngineColumn[],
): Promise<ReadonlyMap<number, Bounds>> {
  const integers = columns.flatMap(({ engineType }, at) => (isInteger(engineType) ? [at] : []));
  if (integers.length === 0) return new Map();
  const asked = integers.map((at) => `min(c${at})::HUGEINT, max(c${at})::HUGEINT`);
  const [row = []] = (await connection.runAndReadAll(`SELECT ${asked.join(', ')} FROM __spine`)).getRows();
  return new Map(
    integers.flatMap((at, index) => {
      const [least, most] = row.slice(2 * index, 2 * index + 2);
      return typeof least === 'bigint' && typeof most === 'bigint' ? [[at, { least, most }] as const] : [];
    }),
  );
}
