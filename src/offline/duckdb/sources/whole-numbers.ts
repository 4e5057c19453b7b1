import { identifier, stringLiteral } from '../sql-text.ts';
import { valueTypeOfDuckDb } from '../types.ts';
import type { EngineColumn } from './source-scan.ts';
import { typedTextSql } from './text-times.ts';

/** The column that names the file of a row where several are read; no column of a file is named so. */
const FILE = '__tidemark_file';

/**
 * Text that is not a whole number, where a column is one, is an error that names file, column and value. DuckDB would
 * take `5.7` for 6 without a word: where the column is declared, and where its first lines only look like it. So such
 * columns are read as text, and made numbers here: a bare scan, half of whose columns are whole numbers, takes a
 * quarter longer by it, and computing a view from it a tenth.
 *
 * `columns` are those of the files as DuckDB reads them (without those of folders); `scan` gives them all, those in
 * `types` as the types there. `file`: the only one that is read, null when there are several. Those of which `isText`
 * is true are read as text and made what they are, too: an empty text is a null in them.
 */
export function wholeNumbersSql(
  columns: readonly EngineColumn[],
  file: string | null,
  scan: (types: readonly EngineColumn[], more: string) => string,
  isText: (column: EngineColumn) => boolean = () => false,
): string {
  const whole = columns.filter((column) => isWholeNumber(column.engineType) || isText(column));
  if (whole.length === 0) return scan([], '');
  const number = (at: number) => identifier(`__tidemark_number_${at}`);
  const place = file === null ? identifier(FILE) : stringLiteral(file);
  const text = scan(
    whole.map(({ name }) => ({ name, engineType: 'VARCHAR' })),
    file === null ? `, filename = ${stringLiteral(FILE)}` : '',
  );
  const parsed = whole.map(({ name, engineType }, at) => {
    const type = isWholeNumber(engineType) && listOf(engineType) !== null ? 'VARCHAR[]' : engineType;
    return `${typedTextSql(identifier(name), type)} AS ${number(at)}`;
  });
  const made = whole.map(
    (column, at) => `${checked(column, number(at), place)} AS ${identifier(column.name)}`,
  );
  const aside = [...whole.map((_, at) => number(at)), ...(file === null ? [identifier(FILE)] : [])];
  return `(SELECT * EXCLUDE (${aside.join(', ')}) REPLACE (${made.join(', ')}) FROM (SELECT *, ${parsed.join(', ')} FROM ${text}))`;
}

function isWholeNumber(engineType: string): boolean {
  return /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/.test(listOf(engineType) ?? engineType);
}

/** The type of a list's items; null when it is none. */
function listOf(engineType: string): string | null {
  return engineType.endsWith('[]') ? engineType.slice(0, -2) : null;
}

/** `parsed`: the value, or of a list of whole numbers the text of its items; null where the text is none. */
function checked({ name, engineType }: EngineColumn, parsed: string, file: string): string {
  const value = identifier(name);
  const items = listOf(engineType);
  const failure = (found: string, type: string) => {
    const told = [
      stringLiteral(`column "${name}" of `),
      file,
      `' has "' || left(${found}, 60)`,
      stringLiteral(`", which is no ${valueTypeOfDuckDb(type) ?? type}`),
    ];
    return `CAST(error(${told.join(' || ')}) AS ${type})`;
  };
  // `5.0` and `1e3` are whole numbers, too.
  const isWhole = (text: string, number: string) =>
    `${number} IS NOT NULL AND (NOT regexp_matches(${text}, '[.eE]') OR TRY_CAST(${text} AS DECIMAL(38, 18)) % 1 = 0)`;
  const isNull = `${value} IS NULL OR ${value} = ''`;
  if (!isWholeNumber(engineType)) {
    return `CASE WHEN ${parsed} IS NOT NULL THEN ${parsed} WHEN ${isNull} THEN NULL ELSE ${failure(value, engineType)} END`;
  }
  if (items === null) {
    // One that is written as it would be from the number was that number: most are looked at no further.
    return `CASE WHEN CAST(${parsed} AS VARCHAR) = ${value} THEN ${parsed} WHEN ${isNull} THEN NULL
      WHEN ${isWhole(value, parsed)} THEN ${parsed} ELSE ${failure(value, engineType)} END`;
  }
  const number = `TRY_CAST(item AS ${items})`;
  const item = `CASE WHEN item IS NULL THEN NULL WHEN ${isWhole('item', number)} THEN ${number} ELSE ${failure('item', items)} END`;
  return `CASE WHEN ${isNull} THEN NULL WHEN ${parsed} IS NULL THEN ${failure(value, engineType)}
    ELSE list_transform(${parsed}, lambda item: ${item}) END`;
}
