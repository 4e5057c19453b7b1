import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import {
  type ArrangedFile,
  type ArrangeRequest,
  partNames,
  type TableArranger,
  type TableFormat,
  type TableSplit,
} from '../../table-arranger.ts';
import { spineColumn, spineTimeSql } from '../as-of/spine-columns.ts';
import { SET_OPTIONS } from '../copy-to-parquet.ts';
import type { DuckDbEngine } from '../engine.ts';
import { digestOfFile } from '../feature-file.ts';
import { describeSelect } from '../sources/source-scan.ts';
import { identifier, identifiers, stringLiteral, writtenParquet } from '../sql-text.ts';
import { CSV_TIME, csvColumnSql } from './csv-times.ts';

/** Files are read in order and written in order, in groups of fixed size: the same rows give the same bytes. */
const FORMATS: Readonly<Record<Exclude<TableFormat, 'arrow'>, string>> = {
  parquet: SET_OPTIONS,
  // Nulls are empty, empty text is quoted.
  csv: `FORMAT csv, HEADER true, TIMESTAMPFORMAT '${CSV_TIME}'`,
};

export function createDuckDbTableArranger(engine: DuckDbEngine): TableArranger {
  return {
    arrange: (request: ArrangeRequest) =>
      engine.withConnection(async (connection) => {
        const { layout, folder } = request;
        const files: ArrangedFile[] = [];
        const from = writtenParquet([request.from]);
        const table = await tableOf(connection, request, from);
        for (const { part, condition } of await partsOf(connection, request, from)) {
          const name = part ?? request.name;
          const rows = { ...table, condition };
          const write = async (path: string, slice = '') =>
            files.push({
              path,
              part,
              ...(await writeFile(connection, rowsSql(rows, layout.format, slice), join(folder, path), {
                format: layout.format,
                vectors: request.vectors ?? {},
              })),
            });
          if (layout.rowsPerFile === null) {
            await write(`${name}.${layout.format}`);
            continue;
          }
          const [[count] = []] = (
            await connection.runAndReadAll(`SELECT count(*) FROM ${from}${whereOf(rows)}`)
          ).getRows();
          const number = Math.max(1, Math.ceil(Number(count) / layout.rowsPerFile));
          for (let at = 0; at < number; at++) {
            await write(
              `${name}-${String(at).padStart(5, '0')}.${layout.format}`,
              ` LIMIT ${layout.rowsPerFile} OFFSET ${at * layout.rowsPerFile}`,
            );
          }
        }
        return files;
      }, request.signal),
  };
}

/** The rows to arrange. */
interface Table {
  readonly from: string;
  readonly columns: string;
  /** Of each row its number in `from`, as an expression, and a name for it that no column has. */
  readonly number: string;
  readonly numberName: string;
}

const FILE_ROW_NUMBER = 'file_row_number';

async function tableOf(
  connection: DuckDBConnection,
  { columns, layout: { format } }: ArrangeRequest,
  from: string,
): Promise<Table> {
  const all = await describeSelect(connection, `SELECT * FROM ${from}`);
  const names = all.map(({ name }) => name.toLowerCase());
  const asked =
    columns === undefined ? all : columns.flatMap((name) => all.filter((one) => one.name === name));
  let numberName = '__row';
  while (names.includes(numberName)) numberName += '_';
  return {
    from,
    columns:
      format === 'csv'
        ? asked.map(csvColumnSql).join(', ')
        : columns === undefined
          ? '*'
          : identifiers(columns),
    // A column of that name hides the number that DuckDB gives to a file's rows.
    number: names.includes(FILE_ROW_NUMBER) ? 'row_number() OVER ()' : FILE_ROW_NUMBER,
    numberName,
  };
}

interface Rows extends Table {
  /** SQL; null for all rows. */
  readonly condition: string | null;
}

/**
 * A slice of some rows, in their order. What a filter or a limit lets through comes in pieces of any size, and DuckDB
 * cuts groups of Parquet at the ends of pieces, where they are found by how many threads it has. Sorted rows come in
 * whole pieces; they are sorted already, so that this costs little but their place.
 */
function rowsSql(rows: Rows, format: TableFormat, slice: string): string {
  const { from, columns, number, numberName, condition } = rows;
  if (format !== 'parquet' || (condition === null && slice === ''))
    return `SELECT ${columns} FROM ${from}${whereOf(rows)}${slice}`;
  const numbered = `SELECT ${columns}, ${number} AS ${numberName} FROM ${from}${whereOf(rows)}${slice}`;
  return `SELECT * EXCLUDE (${numberName}) FROM (${numbered}) ORDER BY ${numberName}`;
}

function whereOf({ condition }: Pick<Rows, 'condition'>): string {
  return condition === null ? '' : ` WHERE ${condition}`;
}

interface Part {
  readonly part: string | null;
  /** SQL; null for all rows. */
  readonly condition: string | null;
}

async function partsOf(
  connection: DuckDBConnection,
  { layout: { split }, timestampField }: ArrangeRequest,
  from: string,
): Promise<readonly Part[]> {
  if (split === null) return [{ part: null, condition: null }];
  const between =
    split.kind === 'entity'
      ? entityConditions(split)
      : await timeConditions(connection, split, { from, timestampField });
  return partNames(split).map((part, index) => ({ part, condition: between[index] ?? 'false' }));
}

/** One condition a part: the percents below its share, of a hash that spreads evenly over them. */
function entityConditions({ shares, columns }: TableSplit & { readonly kind: 'entity' }): readonly string[] {
  // With their lengths, so that ('a', 'bc') and ('ab', 'c') are two; DuckDB's own hash may change between versions.
  const texts = columns.map((name) => {
    const text = `CAST(${identifier(name)} AS VARCHAR)`;
    return `coalesce(length(${text}) || ':' || ${text}, '-')`;
  });
  const percent = `(md5_number_lower(${texts.join(` || ' ' || `)}) % 100)`;
  let from = 0;
  return shares.map((share) => {
    const condition = `${percent} >= ${from} AND ${percent} < ${from + share}`;
    from += share;
    return condition;
  });
}

/** Up to the time of the row at which a part's share is reached; rows of that time belong to it too. */
async function timeConditions(
  connection: DuckDBConnection,
  { shares }: TableSplit & { readonly kind: 'time' },
  { from, timestampField }: { readonly from: string; readonly timestampField: string },
): Promise<readonly string[]> {
  // The time column of a CSV spine is text, as it stood there.
  const spine = { kind: 'csv', path: '', timestampField } as const;
  const columns = await describeSelect(connection, `SELECT * FROM ${from}`);
  const column = columns[spineColumn(spine, columns, timestampField, 'a split by time')];
  const time = spineTimeSql(spine, column ?? { name: '', engineType: '' }, identifier(timestampField));
  const rowsOf = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
  const [[count] = []] = await rowsOf(`SELECT count(*) FROM ${from}`);
  const rows = Number(count);
  if (rows === 0) return shares.map(() => 'true');
  const conditions: string[] = [];
  let reached = 0;
  let after: string | null = null;
  for (const [index, share] of shares.entries()) {
    reached += share;
    const above: string = after === null ? 'true' : `${time} > ${after}`;
    if (index === shares.length - 1) {
      conditions.push(above);
      break;
    }
    const last = Math.ceil((rows * reached) / 100) - 1;
    const [[cut] = []] = await rowsOf(`SELECT ${time} AS t FROM ${from} ORDER BY t LIMIT 1 OFFSET ${last}`);
    conditions.push(`${above} AND ${time} <= ${String(cut)}`);
    after = String(cut);
  }
  return conditions;
}

async function writeFile(
  connection: DuckDBConnection,
  query: string,
  path: string,
  { format, vectors }: { readonly format: TableFormat } & Required<Pick<ArrangeRequest, 'vectors'>>,
): Promise<{ readonly rows: number; readonly bytes: number; readonly digest: string }> {
  const unfinished = `${path}.${randomUUID()}.unfinished`;
  try {
    const rows =
      format === 'arrow'
        ? await (await import('./write-arrow.ts')).writeArrow(connection, query, unfinished, vectors)
        : (await connection.run(`COPY (${query}) TO ${stringLiteral(unfinished)} (${FORMATS[format]})`))
            .rowsChanged;
    const content = await digestOfFile(unfinished);
    await rename(unfinished, path);
    return { rows, ...content };
  } finally {
    await rm(unfinished, { force: true });
  }
}
