import type { ValueType } from '../../../core/value-type.ts';
import type { AsOfRequest } from '../../as-of-engine.ts';
import type { EngineColumn } from '../sources/source-scan.ts';
import { identifier, stringLiteral } from '../sql-text.ts';
import { duckDbType, written } from '../types.ts';
import type { CarriedColumn } from './carried-columns.ts';

/**
 * The tables of a join, which lie side by side: row i of each belongs to row i of the spine.
 *
 * `__spine` has `c0`, `c1`, …; `__joined_<i>` and `__computed_<i>` have `f0`, `f1`, …. A table that was not made
 * (no row of the view can be seen) stands for nulls.
 */
export interface SideBySide {
  readonly spineColumns: readonly EngineColumn[];
  readonly outputs: readonly OutputColumn[];
}

export interface OutputColumn {
  readonly name: string;
  /** Null: all null. */
  readonly table: string | null;
  readonly column: string;
  /** The column as a value of its type; `sql` is where it is read. */
  readonly value: (sql: string) => string;
}

/** The outputs of views; `joined` says which tables were made. */
export function viewOutputs(
  { views }: Pick<AsOfRequest, 'views'>,
  joined: readonly boolean[],
): readonly OutputColumn[] {
  return views.flatMap(({ features }, index) =>
    features.map(({ feature, output }, at) => ({
      name: output,
      table: joined[index] === true ? `__joined_${index}` : null,
      column: `f${at}`,
      value: (sql: string) => valueSql(sql, feature.type),
    })),
  );
}

/** Those that were asked for, in that order. */
export function chosen(
  outputs: readonly OutputColumn[],
  names: readonly string[] | undefined,
): readonly OutputColumn[] {
  if (names === undefined) return outputs;
  return names.map((name) => {
    const output = outputs.find((column) => column.name === name);
    if (output === undefined) throw new RangeError(`The output "${name}" is neither joined nor computed`);
    return output;
  });
}

/** Makes `__joined_<index>`, in the spine's order, of the rows of `joinedRowsSql`. */
export function joinedTableSql(index: number, features: number, rows: string): string {
  const columns = [...Array.from({ length: features }, (_, at) => `f${at}`), 'same'];
  return `CREATE TEMP TABLE __joined_${index} AS SELECT ${columns.join(', ')} FROM (${rows}) ORDER BY id`;
}

/** One row: in how many rows of `__joined_<index>` the winner's event time is the row's own. */
export function countSameTimeSql(index: number): string {
  return `SELECT count(*) FILTER (same) FROM __joined_${index}`;
}

/** A column of a table as a value of its type, as it is written. */
export function valueSql(sql: string, type: ValueType): string {
  return written(`CAST(${sql} AS ${duckDbType(type)})`, duckDbType(type));
}

/** Rows `from` to `to` (exclusive) of some spine columns and outputs, in order; `select` makes the expression. */
export function rowsSql(
  { spineColumns, outputs }: SideBySide,
  inputs: readonly { readonly name: string; readonly select: (sql: string) => string }[],
  { from, to }: { readonly from: number; readonly to: number },
): string {
  const places = inputs.map(({ name, select }) => {
    const at = spineColumns.findIndex((column) => column.name === name);
    if (at !== -1) return { table: '__spine', column: `c${at}`, value: (sql: string) => select(sql) };
    const output = outputs.find((column) => column.name === name);
    if (output === undefined) throw new RangeError(`A computed column reads "${name}", which is not joined`);
    return { ...output, value: (sql: string) => select(output.value(sql)) };
  });
  const tables = [...new Set(['__spine', ...places.flatMap(({ table }) => table ?? [])])];
  const select = places.map(({ table, column, value }) =>
    value(table === null ? 'NULL' : `t${tables.indexOf(table)}.${column}`),
  );
  const part = (table: string, index: number) => {
    const columns = new Set(places.flatMap((place) => (place.table === table ? [place.column] : [])));
    const read = columns.size === 0 ? 'rowid' : [...columns].join(', ');
    return `(SELECT ${read} FROM ${table} WHERE rowid >= ${from} AND rowid < ${to}) t${index}`;
  };
  return `SELECT ${select.join(', ')} FROM ${tables.map(part).join(' POSITIONAL JOIN ')}`;
}

/** Fixed, and in the spine's order: the same rows give the same bytes, whatever the number of threads. */
const ROWS_PER_GROUP = 122_880;

function copySql(select: string, path: string): string {
  return `COPY (${select}) TO ${stringLiteral(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROWS_PER_GROUP})`;
}

/** All spine columns, then the outputs; `spine` is a spine column's value, `place` where a table's columns are. */
function rowColumns(
  { spineColumns, outputs }: SideBySide,
  spine: (at: number) => string,
  place: (table: string) => string,
): readonly { readonly name: string; readonly value: string }[] {
  return [
    ...spineColumns.map(({ name, engineType }, at) => ({ name, value: written(spine(at), engineType) })),
    ...outputs.map(({ name, table, column, value }) => ({
      name,
      value: value(table === null ? 'NULL' : `${place(table)}.${column}`),
    })),
  ];
}

/** Counts, while rows are written, in how many the winner's event time is the row's own. */
const COUNTER = '__same_time';

/**
 * Writes joined rows that carry the spine's columns (`joinedRowsSql`), in the spine's order. They pass by once, and
 * nothing of them is kept: a sequence counts what `countedSql` asks for. They are sorted as they come, and are made
 * values of their types afterwards.
 */
export function writeRowsSql(
  result: SideBySide,
  carried: readonly CarriedColumn[],
  path: string,
  rows: string,
): readonly string[] {
  const spine = (at: number) => carried[at]?.restore(`j.c${at}`) ?? `j.c${at}`;
  const select = rowColumns(result, spine, () => 'j').map(
    ({ name, value }) => `${value} AS ${identifier(name)}`,
  );
  return [
    `CREATE OR REPLACE TEMP SEQUENCE ${COUNTER}`,
    copySql(
      `SELECT ${select.join(', ')} FROM (SELECT * FROM (${rows}) ` +
        `WHERE CASE WHEN same THEN nextval('${COUNTER}') > 0 ELSE true END ORDER BY id) j`,
      path,
    ),
  ];
}

/** One row: what was counted; to be asked once. */
export const countedSql = `SELECT nextval('${COUNTER}') - 1`;

/** A value in memory: most take half of it. */
const VALUE_BYTES = 16;

/**
 * Writes tables that lie side by side. They are read by one thread, so when there is memory for it they are made one
 * table, which all threads then write.
 */
export function assembleSql(
  result: SideBySide,
  path: string,
  { rows, memory }: { readonly rows: number; readonly memory: number },
): readonly string[] {
  const tables = [...new Set(result.outputs.flatMap(({ table }) => table ?? []))];
  const columns = rowColumns(
    result,
    (at) => `s.c${at}`,
    (table) => `t${tables.indexOf(table)}`,
  );
  const from = `__spine s${tables.map((table, index) => ` POSITIONAL JOIN ${table} t${index}`).join('')}`;
  const selected = (name: (column: string, at: number) => string) =>
    `SELECT ${columns.map((column, at) => `${column.value} AS ${name(column.name, at)}`).join(', ')} FROM ${from}`;
  if (tables.length === 0 || rows * columns.length * VALUE_BYTES > memory / 8)
    return [copySql(selected(identifier), path)];
  const renamed = columns.map(({ name }, at) => `o${at} AS ${identifier(name)}`);
  return [
    `CREATE TEMP TABLE __rows AS ${selected((_, at) => `o${at}`)}`,
    copySql(`SELECT ${renamed.join(', ')} FROM __rows`, path),
    'DROP TABLE __rows',
  ];
}
