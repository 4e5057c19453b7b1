import type { DuckDBConnection } from '@duckdb/node-api';
import type { JoinedView, Spine } from '../../as-of-engine.ts';
import { describeSelect, type EngineColumn } from '../sources/source-scan.ts';
import { repeatedNames, typedCsvSql } from '../sources/typed-csv.ts';
import { literalPath, stringLiteral } from '../sql-text.ts';
import { duckDbType } from '../types.ts';
import { spineProblem } from './spine-columns.ts';

/** Rows in files that do not say of which types their columns are. */
type TextSpine = Spine & { readonly kind: 'csv' | 'json'; readonly path: string };

export interface TextSpineReading {
  /** The spine's path as DuckDB takes it. */
  readonly path: string;
  /** The only file that is read; null when there may be several. */
  readonly file: string | null;
  readonly views: readonly JoinedView[];
  /** Whether all of a CSV file tells its types, where mostly its first lines are enough. */
  readonly allLines: boolean;
}

/** A table function or a query in parentheses. SPINE_INVALID when nothing is there, not even the columns' names. */
export async function textSpineSql(
  connection: DuckDBConnection,
  spine: TextSpine,
  reading: TextSpineReading,
): Promise<string> {
  const path = stringLiteral(reading.path);
  if (spine.kind === 'json') {
    // A line says whether a key is text or a number; only text that looks like a time is taken for one.
    const scan = `read_json(${path}, format = 'newline_delimited', sample_size = -1)`;
    await refuseEmpty(connection, spine, scan, 'json');
    return scan;
  }
  const csv = (types: readonly EngineColumn[], more = '') => {
    const given = types.map(({ name, engineType }) => `${stringLiteral(name)}: ${stringLiteral(engineType)}`);
    const lines = reading.allLines ? ', sample_size = -1' : '';
    return `read_csv(${path}${lines}${more}${given.length === 0 ? '' : `, types = {${given.join(', ')}}`})`;
  };
  const sniffed = await refuseEmpty(connection, spine, csv([]), 'column0');
  const files = { only: reading.file, sample: await firstFile(connection, reading.path) };
  const repeated = await repeatedNames(connection, sniffed.columns, files.sample);
  if (repeated.length > 0) {
    const names = repeated.join(', ');
    throw spineProblem(spine, `its header names columns more than once (${names}; case does not count)`);
  }
  const keys = keyTypes(sniffed.columns, reading.views, sniffed.empty);
  const typed = sniffed.columns.map(
    (column): EngineColumn => ({ ...column, engineType: keys.get(column.name) ?? column.engineType }),
  );
  return typedCsvSql(connection, typed, files, (text, more) => {
    const types = new Map([...keys, ...text.map(({ name, engineType }) => [name, engineType] as const)]);
    return csv(
      [...types].map(([name, engineType]) => ({ name, engineType })),
      more,
    );
  });
}

async function firstFile(connection: DuckDBConnection, path: string): Promise<string | null> {
  const found = await connection.runAndReadAll(`SELECT min(file) FROM glob(${stringLiteral(path)})`);
  const [file] = found.getRows()[0] ?? [];
  return file == null ? null : literalPath(String(file));
}

/** `unnamed` is what DuckDB calls the column of a file that has none. */
async function refuseEmpty(
  connection: DuckDBConnection,
  spine: TextSpine,
  scan: string,
  unnamed: string,
): Promise<{ readonly columns: readonly EngineColumn[]; readonly empty: boolean }> {
  const columns = await describeSelect(connection, `SELECT * FROM ${scan}`);
  // Where there is a value of another type there are rows.
  const untyped = columns.every(({ engineType }) => engineType === 'VARCHAR' || engineType === 'JSON');
  const empty =
    untyped && (await connection.runAndReadAll(`SELECT 1 FROM ${scan} LIMIT 1`)).currentRowCount === 0;
  if (empty && columns.length === 1 && columns[0]?.name === unnamed) {
    throw spineProblem(spine, `it is empty${spine.kind === 'csv' ? ', without even a header' : ''}`);
  }
  return { columns, empty };
}

/**
 * A CSV file does not say what its columns are: `007` is text where the key it is read for is, and what is no whole
 * number where the key is one is told with its place. A header alone says nothing of types at all.
 */
function keyTypes(
  sniffed: readonly EngineColumn[],
  views: readonly JoinedView[],
  empty: boolean,
): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  for (const { joinKeys, spineColumns } of views) {
    for (const [index, { name: key, type }] of joinKeys.entries()) {
      const name = spineColumns[index] ?? key;
      if (!sniffed.some((column) => column.name === name)) continue;
      if (type === 'string') types.set(name, duckDbType(type));
      if (types.has(name)) continue;
      if (type === 'int32' || type === 'int64') types.set(name, duckDbType('int64'));
      else if (empty) types.set(name, duckDbType(type));
    }
  }
  return types;
}
