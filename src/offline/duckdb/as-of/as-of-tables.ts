import type { ValueType } from '../../../core/value-type.ts';
import type { AsOfRequest } from '../../as-of-engine.ts';
import { copySetSql } from '../copy-to-parquet.ts';
import type { EngineColumn } from '../sources/source-scan.ts';
import { identifier } from '../sql-text.ts';
import { duckDbType, written } from '../types.ts';
import type { CarriedColumn } from './carried-columns.ts';

/**
 * The tables of a join, which lie side by side: row i of each, by `rowid`, belongs to row i of the spine.
 *
 * `__spine` has `c0`, `c1`, …; `__joined_<i>` and `__computed_<i>` have `f0`, `f1`, ….
 */
export interface SideBySide {
  readonly spineColumns: readonly EngineColumn[];
  readonly outputs: readonly OutputColumn[];
}

export interface OutputColumn {
  readonly name: string;
  readonly table: string;
  readonly column: string;
  /** The column as a value of its type; `sql` is where it is read. */
  readonly value: (sql: string) => string;
}

/** The outputs of views. */
export function viewOutputs({ views }: Pick<AsOfRequest, 'views'>): readonly OutputColumn[] {
  return views.flatMap(({ features }, index) =>
    features.map(({ feature, output }, at) => ({
      name: output,
      table: joinedTable(index),
      column: `f${at}`,
      value: (sql: string) => valueSql(sql, feature.type),
    })),
  );
}

export function joinedTable(index: number): string {
  return `__joined_${index}`;
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
  const tables = [...new Set(['__spine', ...places.map(({ table }) => table)])];
  const select = places.map(({ table, column, value }) => value(`t${tables.indexOf(table)}.${column}`));
  const part = (table: string, index: number) => {
    const columns = new Set(places.flatMap((place) => (place.table === table ? [place.column] : [])));
    const read = columns.size === 0 ? 'rowid' : [...columns].join(', ');
    return `(SELECT ${read} FROM ${table} WHERE rowid >= ${from} AND rowid < ${to}) t${index}`;
  };
  return `SELECT ${select.join(', ')} FROM ${tables.map(part).join(' POSITIONAL JOIN ')}`;
}

/** Counts, while rows are written, in how many the winner's event time is the row's own. */
const COUNTER = '__same_time';

/**
 * Writes joined rows that carry the spine's columns (`joinedRowsSql`), in the spine's order. They pass by once, and
 * nothing of them is kept: a sequence counts what `countedSql` asks for. They are sorted as they come, and are made
 * values of their types afterwards.
 */
export function writeRowsSql(
  { spineColumns, outputs }: SideBySide,
  carried: readonly CarriedColumn[],
  path: string,
  rows: string,
): { readonly before: string; readonly copy: string } {
  const select = [
    ...spineColumns.map(({ name, engineType }, at) => {
      const restored = carried[at]?.restore(`j.c${at}`) ?? `j.c${at}`;
      return `${written(restored, engineType)} AS ${identifier(name)}`;
    }),
    ...outputs.map(({ name, column, value }) => `${value(`j.${column}`)} AS ${identifier(name)}`),
  ];
  const counted = `SELECT * FROM (${rows}) WHERE CASE WHEN same THEN nextval('${COUNTER}') > 0 ELSE true END`;
  return {
    before: `CREATE OR REPLACE TEMP SEQUENCE ${COUNTER}`,
    copy: copySetSql(`SELECT ${select.join(', ')} FROM (${counted} ORDER BY id) j`, path),
  };
}

/** One row: what was counted; to be asked once. */
export const countedSql = `SELECT nextval('${COUNTER}') - 1`;
