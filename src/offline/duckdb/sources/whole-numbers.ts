import { identifier, stringLiteral } from '../sql-text.ts';
import { valueTypeOfDuckDb } from '../types.ts';
import type { EngineColumn } from './source-scan.ts';

/** The column that names the file of a row where several are read; no column of a file is named so. */
const FILE = '__tidemark_file';

/**
 * Text that is not a whole number, where a column is one, is an error that names file, column and value. DuckDB would
 * take `5.7` for 6 without a word: where the column is declared, and where its first lines only look like it. So such
 * columns are read as text, and made numbers here; a bare scan, half of whose columns are whole numbers, takes about a
 * quarter longer by it.
 *
 * `columns` are those of the files as DuckDB reads them (without those of folders); `scan` gives them all, those in
 * `types` as the types there. `file`: the only one that is read, null when there are several.
 */
export function wholeNumbersSql(
  columns: readonly EngineColumn[],
  file: string | null,
  scan: (types: readonly EngineColumn[], more: string) => string,
): string {
  const whole = columns.filter(({ engineType }) => isWholeNumber(engineType));
  if (whole.length === 0) return scan([], '');
  const number = (at: number) => identifier(`__tidemark_number_${at}`);
  const place = file === null ? identifier(FILE) : stringLiteral(file);
  const text = scan(
    whole.map(({ name }) => ({ name, engineType: 'VARCHAR' })),
    file === null ? `, filename = ${stringLiteral(FILE)}` : '',
  );
  const parsed = whole.map(
    ({ name, engineType }, at) => `TRY_CAST(${identifier(name)} AS ${engineType}) AS ${number(at)}`,
  );
  const made = whole.map(
    (column, at) => `${checked(column, number(at), place)} AS ${identifier(column.name)}`,
  );
  const aside = [...whole.map((_, at) => number(at)), ...(file === null ? [identifier(FILE)] : [])];
  return `(SELECT * EXCLUDE (${aside.join(', ')}) REPLACE (${made.join(', ')}) FROM (SELECT *, ${parsed.join(', ')} FROM ${text}))`;
}

function isWholeNumber(engineType: string): boolean {
  return /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/.test(engineType);
}

/** A number that is written as it is in the file was one there; else it is looked at: `5.0` and `1e3` are, too. */
function checked({ name, engineType }: EngineColumn, number: string, file: string): string {
  const value = identifier(name);
  const told = [
    stringLiteral(`column "${name}" of `),
    file,
    `' has "' || left(${value}, 60)`,
    stringLiteral(`", which is no ${valueTypeOfDuckDb(engineType)}`),
  ];
  const whole = `${number} IS NOT NULL AND (NOT regexp_matches(${value}, '[.eE]') OR TRY_CAST(${value} AS DECIMAL(38, 18)) % 1 = 0)`;
  return `CASE WHEN CAST(${number} AS VARCHAR) = ${value} THEN ${number} WHEN ${value} IS NULL THEN NULL
    WHEN ${whole} THEN ${number} ELSE CAST(error(${told.join(' || ')}) AS ${engineType}) END`;
}
