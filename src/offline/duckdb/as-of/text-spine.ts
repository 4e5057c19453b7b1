import type { DuckDBConnection } from '@duckdb/node-api';
import type { JoinedView, Spine } from '../../as-of-engine.ts';
import type { NamedFiles } from '../sources/named-files.ts';
import { raggedLine } from '../sources/ragged-csv.ts';
import { describeSelect, type EngineColumn } from '../sources/source-scan.ts';
import { foreignTimes, typedCsvSql } from '../sources/typed-csv.ts';
import { identifier, literalPath, stringLiteral } from '../sql-text.ts';
import { duckDbType } from '../types.ts';
import { namesInFiles, refuseNames } from './refuse-names.ts';
import { spineProblem } from './spine-columns.ts';

/** Rows in files that do not say of which types their columns are. */
type TextSpine = Spine & { readonly kind: 'csv' | 'json'; readonly path: string };

export interface TextSpineReading {
  readonly named: NamedFiles;
  /** The option that says what columns the files' folders are. */
  readonly folders: string;
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
  const { named, folders } = reading;
  const path = stringLiteral(named.path);
  if (spine.kind === 'json') {
    // A line says whether a key is text or a number; only text that looks like a time is taken for one.
    const scan = `read_json(${path}, format = 'newline_delimited', sample_size = -1${folders})`;
    const { columns } = await refuseEmpty(connection, spine, scan, named);
    await refuseNames(spine, columns, () => namesInFiles(connection, spine.kind, named));
    await refuseOtherThanObjects(connection, spine, named, columns);
    const text = textColumns(columns);
    if (text.length === 0) return scan;
    const types = new Map([...columns, ...text].map(({ name, engineType }) => [name, engineType]));
    const listed = [...types].map(([name, type]) => `${stringLiteral(name)}: ${stringLiteral(type)}`);
    return `read_json(${path}, format = 'newline_delimited'${folders}, columns = {${listed.join(', ')}})`;
  }
  const csv = (types: readonly EngineColumn[], more = '') => {
    const given = types.map(({ name, engineType }) => `${stringLiteral(name)}: ${stringLiteral(engineType)}`);
    const lines = reading.allLines ? ', sample_size = -1' : '';
    return `read_csv(${path}${folders}${lines}${more}${given.length === 0 ? '' : `, types = {${given.join(', ')}}`})`;
  };
  const sniffed = await refuseEmpty(connection, spine, csv([]), named);
  const [first] = named.files;
  const files = { only: named.only, sample: first === undefined ? null : literalPath(first.file) };
  await refuseRagged(connection, spine, sniffed.columns, files.sample);
  await refuseNames(spine, sniffed.columns, () => namesInFiles(connection, spine.kind, named));
  const names = sniffed.columns.map(({ name }) => name);
  const given = new Map([
    ...textColumns(sniffed.columns).map(({ name, engineType }) => [name, engineType] as const),
    ...keyTypes(names, reading.views, sniffed.empty),
  ]);
  const typed = sniffed.columns.map(
    (column): EngineColumn => ({ ...column, engineType: given.get(column.name) ?? column.engineType }),
  );
  const foreign = await foreignTimes(connection, typed, files.sample);
  const time = typed.find(({ name }) => name === spine.timestampField);
  if (time !== undefined && foreign.has(time.engineType)) await refuseAmbiguous(connection, spine, csv([]));
  return typedCsvSql(typed, { only: named.only, foreign }, (text, more) => {
    const types = new Map([...given, ...text.map(({ name, engineType }) => [name, engineType] as const)]);
    return csv(
      [...types].map(([name, engineType]) => ({ name, engineType })),
      more,
    );
  });
}

/** SPINE_INVALID where a line is in the way of a time column that the header has. */
async function refuseRagged(
  connection: DuckDBConnection,
  spine: TextSpine,
  columns: readonly EngineColumn[],
  sample: string | null,
): Promise<void> {
  if (sample === null || columns.some(({ name }) => name === spine.timestampField)) return;
  const problem = await raggedLine(connection, sample, spine.timestampField);
  if (problem !== null) throw spineProblem(spine, problem);
}

/** SPINE_INVALID where DuckDB makes one column of what has no names: an array, or a number. */
async function refuseOtherThanObjects(
  connection: DuckDBConnection,
  spine: TextSpine,
  named: NamedFiles,
  [column, ...more]: readonly EngineColumn[],
): Promise<void> {
  if (column?.name !== UNNAMED.json || more.length > 0) return;
  if ((await namesInFiles(connection, spine.kind, named)).includes(UNNAMED.json)) return;
  throw spineProblem(spine, 'not every line of it is a JSON object with names and values');
}

/** A time of day is text to Tidemark, which has no type for it; only the first lines look like it, perhaps. */
function textColumns(columns: readonly EngineColumn[]): readonly EngineColumn[] {
  return columns
    .filter(({ engineType }) => /^TIME(\[\])?$/.test(engineType))
    .map(({ name, engineType }) => ({ name, engineType: engineType.replace('TIME', 'VARCHAR') }));
}

/** SPINE_INVALID where `01/02/2026` may be one day or another, and no row tells: DuckDB would take it for the 1st of February. */
async function refuseAmbiguous(connection: DuckDBConnection, spine: TextSpine, scan: string): Promise<void> {
  const day = `day(${identifier(spine.timestampField)})`;
  const [[isAmbiguous] = []] = (
    await connection.runAndReadAll(`SELECT max(${day}) <= 12 FROM ${scan}`)
  ).getRows();
  if (isAmbiguous !== true) return;
  throw spineProblem(
    spine,
    `its times in "${spine.timestampField}" do not tell whether the day or the month comes first; write them as ISO 8601 does, such as 2026-01-31`,
  );
}

/** What DuckDB calls the column of a file that has none. */
const UNNAMED = { csv: 'column0', json: 'json' } as const;

/** The columns of the files themselves, without those of folders. */
async function refuseEmpty(
  connection: DuckDBConnection,
  spine: TextSpine,
  scan: string,
  { keys, above }: NamedFiles,
): Promise<{ readonly columns: readonly EngineColumn[]; readonly empty: boolean }> {
  const all = await describeSelect(connection, `SELECT * FROM ${scan}`);
  const columns = all.filter(({ name }) => !keys.includes(name) && !above.includes(name));
  // Where there is a value of another type there are rows.
  const untyped = columns.every(({ engineType }) => engineType === 'VARCHAR' || engineType === 'JSON');
  const empty =
    untyped && (await connection.runAndReadAll(`SELECT 1 FROM ${scan} LIMIT 1`)).currentRowCount === 0;
  if (empty && columns.length === 1 && columns[0]?.name === UNNAMED[spine.kind]) {
    throw spineProblem(spine, `it is empty${spine.kind === 'csv' ? ', without even a header' : ''}`);
  }
  return { columns, empty };
}

/**
 * A CSV file does not say what its columns are: `007` is text where the key it is read for is, and what is no whole
 * number where the key is one is told with its place. A header alone says nothing of types at all.
 */
export function keyTypes(
  names: readonly string[],
  views: readonly JoinedView[],
  empty: boolean,
): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  for (const { joinKeys, spineColumns } of views) {
    for (const [index, { name: key, type }] of joinKeys.entries()) {
      const name = spineColumns[index] ?? key;
      if (!names.includes(name)) continue;
      if (type === 'string') types.set(name, duckDbType(type));
      if (types.has(name)) continue;
      if (type === 'int32' || type === 'int64') types.set(name, duckDbType('int64'));
      else if (empty) types.set(name, duckDbType(type));
    }
  }
  return types;
}
