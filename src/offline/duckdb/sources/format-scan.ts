import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import type { Column, FileSourceSpec } from '../../../core/source.ts';
import { failureKind } from '../duckdb-failure.ts';
import { stringLiteral } from '../sql-text.ts';
import { duckDbType } from '../types.ts';
import { mayBeRenamed, namesInFile, repeatedNames } from './own-names.ts';
import { raggedLine } from './ragged-csv.ts';
import { describeSelect, type EngineColumn } from './source-scan.ts';
import { isTextTime } from './text-times.ts';
import { type CsvFiles, foreignTimes, typedCsvSql } from './typed-csv.ts';
import { wholeNumbersSql } from './whole-numbers.ts';

/**
 * A source's files as a table function, or as a query in parentheses, and its columns. `keys` are those of folders,
 * whose values have types of their own. SOURCE_SCHEMA_MISMATCH where the files lack a declared column, or name one twice.
 */
export async function formatScan(
  connection: DuckDBConnection,
  source: FileSourceSpec,
  { files, only, sample, hive }: CsvFiles & { readonly files: string; readonly hive: string },
  keys: readonly string[],
): Promise<{ readonly sql: string; readonly columns: readonly EngineColumn[] }> {
  const described = (sql: string) => describeSelect(connection, `SELECT * FROM ${sql}`);
  const declared = source.columns.filter(({ name }) => !keys.includes(name));
  switch (source.kind) {
    case 'parquet': {
      const sql = `read_parquet(${files}, union_by_name = true${hive})`;
      const columns = await described(sql);
      await refuseNames(connection, source, columns, sample);
      return { sql, columns };
    }
    case 'csv': {
      const sql = (types: readonly EngineColumn[], more = '') =>
        `read_csv(${files}, union_by_name = true${hive}${more}${types.length === 0 ? '' : `, types = ${typesSql(types)}`})`;
      const types = [...declared.map(textColumn), ...(await endsOfText(connection, source, sql([])))];
      // Looked at once: DuckDB reads the beginning of every file for it.
      const columns = await orRagged(connection, source, sample, () => described(sql(types)));
      const own = columns.filter(({ name }) => !keys.includes(name));
      await refuseNames(connection, source, own, sample);
      const foreign = await foreignTimes(connection, own, sample);
      const scan = typedCsvSql(own, { only, foreign }, (text, more) => sql(replaced(types, text), more));
      return { sql: scan, columns };
    }
    case 'json': {
      const sql = (more: string) =>
        `read_json(${files}, format = 'newline_delimited', union_by_name = true${hive}${more})`;
      const types = await jsonTypes(connection, source, declared, keys, sql);
      await refuseNames(connection, source, types, sample);
      const scan = wholeNumbersSql(
        types,
        only,
        (text, more) => sql(`${more}, columns = ${typesSql(replaced(types, text))}`),
        isTextTime,
      );
      return { sql: scan, columns: await described(scan) };
    }
  }
}

/** SOURCE_SCHEMA_MISMATCH with the line that is in the way, where columns that the header has are not found. */
async function orRagged(
  connection: DuckDBConnection,
  { name, path, timestampField }: FileSourceSpec,
  sample: string | null,
  describe: () => Promise<readonly EngineColumn[]>,
): Promise<readonly EngineColumn[]> {
  const refuseRagged = async () => {
    const problem = sample === null ? null : await raggedLine(connection, sample, timestampField);
    if (problem === null) return;
    throw new TidemarkError(
      'SOURCE_SCHEMA_MISMATCH',
      `Cannot read source "${name}" at ${path}: ${problem}. Correct the file.`,
    );
  };
  try {
    const columns = await describe();
    if (!columns.some((column) => column.name === timestampField)) await refuseRagged();
    return columns;
  } catch (error) {
    if (failureKind(error) === 'binder') await refuseRagged();
    throw error;
  }
}

/** As many lines of JSON as DuckDB looks at to tell the columns. */
const LINES_LOOKED_AT = 20_480;

/** SOURCE_SCHEMA_MISMATCH where a name might be that of another column; `sample` is one of the files, if one is known. */
async function refuseNames(
  connection: DuckDBConnection,
  { name, path, kind }: FileSourceSpec,
  columns: readonly EngineColumn[],
  sample: string | null,
): Promise<void> {
  if (sample === null || !mayBeRenamed(columns)) return;
  const names = await namesInFile(connection, kind, { file: sample, lines: LINES_LOOKED_AT });
  const problem = repeatedNames(names);
  if (problem === null) return;
  throw new TidemarkError(
    'SOURCE_SCHEMA_MISMATCH',
    `Cannot read source "${name}" at ${path}: ${problem}. Give each a name of its own.`,
  );
}

/** `types`, those of the same names in `others` as they are there, and the rest of `others`. */
function replaced(types: readonly EngineColumn[], others: readonly EngineColumn[]): readonly EngineColumn[] {
  return [...new Map([...types, ...others].map((column) => [column.name, column])).values()];
}

/** JSON columns are declared all or none: those that are not declared keep what a look at the lines says. */
async function jsonTypes(
  connection: DuckDBConnection,
  source: FileSourceSpec,
  declared: readonly Column[],
  keys: readonly string[],
  sql: (more: string) => string,
): Promise<readonly EngineColumn[]> {
  const sniff = (more: string) => describeSelect(connection, `SELECT * FROM ${sql(more)}`);
  const lacking = (columns: readonly EngineColumn[]) =>
    declared.filter(({ name }) => !columns.some((column) => column.name === name));
  let columns = await sniff('');
  // A column that is rare may not be in the lines looked at first.
  if (lacking(columns).length > 0) columns = await sniff(', sample_size = -1');
  const missing = lacking(columns).map(({ name }) => `"${name}"`);
  if (missing.length > 0) {
    throw new TidemarkError(
      'SOURCE_SCHEMA_MISMATCH',
      `Cannot read source "${source.name}" at ${source.path}: it lacks the declared column${missing.length > 1 ? 's' : ''} ` +
        `${missing.join(', ')}; it has ${columns.map(({ name }) => name).join(', ')}. Correct the source's columns or its files.`,
    );
  }
  return columns
    .filter(({ name }) => !keys.includes(name))
    .map((column) => {
      const promised = declared.find(({ name }) => name === column.name);
      if (promised !== undefined) return textColumn(promised);
      const isTime = column.name === source.timestampField || column.name === source.createdTimestampField;
      const isEnd =
        column.name === source.validTo &&
        (LOOKS_LIKE_TIME.has(column.engineType) || column.engineType === 'JSON');
      return isEnd || (isTime && LOOKS_LIKE_TIME.has(column.engineType))
        ? { ...column, engineType: ZONED }
        : column;
    });
}

/** Where no row has ended, CSV does not tell that its ends are times. */
async function endsOfText(
  connection: DuckDBConnection,
  { validTo, columns }: FileSourceSpec,
  scan: string,
): Promise<readonly EngineColumn[]> {
  if (validTo === undefined || columns.some(({ name }) => name === validTo)) return [];
  const found = await describeSelect(connection, `SELECT * FROM ${scan}`);
  return found
    .filter(({ name, engineType }) => name === validTo && engineType === 'VARCHAR')
    .map(({ name }) => ({ name, engineType: ZONED }));
}

const ZONED = 'TIMESTAMP WITH TIME ZONE';

/** What text that is a time may be taken for; more lines might have told otherwise. */
const LOOKS_LIKE_TIME: ReadonlySet<string> = new Set(['VARCHAR', 'TIMESTAMP', 'DATE']);

/** Read as a naive time, `02:00+02:00` would be 02:00: DuckDB drops the offset of text. The session's zone is UTC. */
function textColumn({ name, type }: Column): EngineColumn {
  return { name, engineType: type === 'timestamp' ? ZONED : duckDbType(type) };
}

function typesSql(columns: readonly EngineColumn[]): string {
  return `{${columns.map(({ name, engineType }) => `${stringLiteral(name)}: ${stringLiteral(engineType)}`).join(', ')}}`;
}
