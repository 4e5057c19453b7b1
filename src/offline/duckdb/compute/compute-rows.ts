import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import type { BatchViewSpec, Transformation } from '../../../core/feature-view.ts';
import { formatInterval, type Interval } from '../../../core/interval.ts';
import { scheduleOf } from '../../../core/schedule.ts';
import { formatTime, micros } from '../../../core/time.ts';
import { CREATED_TIME, EVENT_TIME, INTERVAL_END, VALID_TO } from '../../offline-columns.ts';
import { refuseIndivisible } from '../sources/divisible-query.ts';
import { createSourceView, queryFailure } from '../sources/duckdb-source-reader.ts';
import { openSource, type SourcePlace } from '../sources/open-source.ts';
import { intervalParameters, parseQuery } from '../sources/query-shape.ts';
import {
  describeSelect,
  type EngineColumn,
  requireColumn,
  timeRangeSql,
  timestampSql,
} from '../sources/source-scan.ts';
import { allOf, identifier, identifiers } from '../sql-text.ts';
import { duckDbType } from '../types.ts';
import { leaveToNextInterval } from './boundary-rows.ts';
import { nextTickSql, tickGrid, ticksTableSql, tickTimeSql } from './tick-grid-sql.ts';
import { validToSql } from './validity.ts';

/**
 * Rows that keep their own event times. The queries made here have the columns `__k<i>`, `__t`, `__c` and, where rows
 * end, `__u` (BIGINT µs), and `__v<i>` (features in their types), and before the last step no interval ends.
 */
export async function passThroughRows(
  connection: DuckDBConnection,
  view: BatchViewSpec,
  range: Interval,
  place: SourcePlace,
): Promise<string> {
  const [source] = view.sources;
  if (source === undefined) {
    throw new TidemarkError('DEFINITION_INVALID', `Cannot compute view "${view.name}": it has no source.`);
  }
  const { relation, columns } = await openSource(connection, source, place, {
    from: range.start,
    to: range.end,
  });
  const of = `source "${source.name}" of view "${view.name}"`;
  const time = requireColumn(columns, view.timestampField, { of, time: true });
  const bounds = timeRangeSql(time, { from: range.start, to: range.end });
  return `${projection(view, columns, of, source.kind === 'csv')} FROM ${relation} WHERE ${bounds}`;
}

type SqlTransformation = Extract<Transformation, { kind: 'sql' }>;

/**
 * Runs the view's query for at most `intervalsPerQuery` intervals at a time into the table `__rows`, which has
 * `__query_end` beside the columns above. QUERY_INVALID when a row lies outside the interval that was asked for, or
 * (with `checkCuts`) when cutting the first query in two gives other rows.
 */
export async function runSqlView(
  connection: DuckDBConnection,
  view: BatchViewSpec,
  transformation: SqlTransformation,
  range: Interval,
  place: SourcePlace,
  { checkCuts }: { readonly checkCuts: boolean },
): Promise<void> {
  const names = view.sources.map(({ name }) => name);
  const shape = await parseQuery(connection, transformation.query, names);
  for (const source of view.sources) await createSourceView(connection, source, place);
  const of = `the query of view "${view.name}"`;
  let columns: readonly EngineColumn[] | undefined;
  const runInto = async (table: string, part: Interval) => {
    try {
      await connection.run(
        `CREATE OR REPLACE TEMP TABLE ${table} AS SELECT * FROM (${shape.text})`,
        intervalParameters(shape, part),
      );
    } catch (error) {
      throw queryFailure(error, of);
    }
  };
  for (const part of queryRanges(view.schedule, range, transformation.intervalsPerQuery)) {
    await runInto('__result', part);
    const first = columns === undefined;
    columns ??= await describeSelect(connection, 'SELECT * FROM __result');
    const select = `${projection(view, columns, of)}, ${part.end}::BIGINT AS __query_end FROM __result WHERE ${identifier(view.timestampField)} IS NOT NULL`;
    await refuseStrays(connection, view, select, part, transformation.intervalsPerQuery === 1);
    await connection.run(
      first ? `CREATE OR REPLACE TEMP TABLE __rows AS ${select}` : `INSERT INTO __rows ${select}`,
    );
    if (first && checkCuts) await refuseIndivisible(connection, view, part, runInto);
  }
  if (columns === undefined || transformation.intervalsPerQuery !== 1) return;
  const given = columns;
  const project = (relation: string) => `${projection(view, given, of)} FROM ${relation}`;
  try {
    await leaveToNextInterval(connection, view, range.end, { text: shape.text, columns: given, project });
  } catch (error) {
    throw queryFailure(error, of);
  }
}

/** Cuts a range into queries of at most `intervals` intervals; the whole range when null. */
export function queryRanges(cron: string, range: Interval, intervals: number | null): readonly Interval[] {
  if (intervals === null) return [range];
  const ticks = scheduleOf(cron).ticks(range.start, range.end);
  const parts: Interval[] = [];
  for (let at = 0; at + 1 < ticks.length; at += intervals) {
    const start = ticks[at];
    const end = ticks[Math.min(at + intervals, ticks.length - 1)];
    if (start !== undefined && end !== undefined) parts.push({ start, end });
  }
  return parts;
}

/** The query of an offline file's rows from `rows`: interval ends added, exact duplicates reduced to one. */
export async function finishRows(
  connection: DuckDBConnection,
  view: BatchViewSpec,
  rows: string,
  range: Interval,
  intervalEnd: 'query' | 'tick',
): Promise<string> {
  const grid = tickGrid(view.schedule, range);
  for (const statement of ticksTableSql(grid)) await connection.run(statement);
  const ended =
    intervalEnd === 'query'
      ? `(SELECT *, __query_end AS __e FROM ${rows})`
      : tickTimeSql(grid, nextTickSql(grid, rows, '__t', '__i'), '__i', '__e');
  const keys = view.joinKeys.map((_, index) => `__k${index}`);
  // Which of two rows with one key, event time and created time stays is decided by their values, not by chance.
  const order = [
    '__e DESC NULLS LAST',
    // Without a created time, a row that has been closed stands beside itself as it was when it was open.
    ...(view.validTo === undefined ? [] : ['__u ASC NULLS LAST']),
    ...view.features.map((_, index) => `__v${index} DESC NULLS LAST`),
  ];
  const columns = [
    ...view.joinKeys.map(({ name }, index) => `__k${index} AS ${identifier(name)}`),
    `make_timestamp(__t) AS ${EVENT_TIME}`,
    `make_timestamp(__c) AS ${CREATED_TIME}`,
    `make_timestamp(__e) AS ${INTERVAL_END}`,
    ...(view.validTo === undefined ? [] : [`make_timestamp(__u) AS ${VALID_TO}`]),
    ...view.features.map(({ name }, index) => `__v${index} AS ${identifier(name)}`),
  ];
  return (
    `SELECT ${columns.join(', ')} FROM ${ended} WHERE ${allOf(keys.map((key) => `${key} IS NOT NULL`))} ` +
    `QUALIFY row_number() OVER (PARTITION BY ${[...keys, '__t', '__c'].join(', ')} ORDER BY ${order.join(', ')}) = 1`
  );
}

/** `fromText`: in text that is another type in the view, an empty text is no value. */
function projection(
  view: BatchViewSpec,
  columns: readonly EngineColumn[],
  of: string,
  fromText = false,
): string {
  requireColumn(columns, view.timestampField, { of, time: true });
  const at = (name: string) => `epoch_us(${timestampSql(name)})`;
  const time = at(view.timestampField);
  const created = view.createdTimestampField;
  if (created !== null) requireColumn(columns, created, { of, time: true });
  const { validTo } = view;
  if (validTo !== undefined) requireColumn(columns, validTo, { of, time: true });
  const cast = (name: string, type: string) => {
    const { engineType } = requireColumn(columns, name, { of });
    const isOther = engineType === 'VARCHAR' && type !== 'VARCHAR' && type !== 'BLOB';
    return `CAST(${fromText && isOther ? `nullif(${identifier(name)}, '')` : identifier(name)} AS ${type})`;
  };
  return `SELECT ${[
    ...view.joinKeys.map(({ name, type }, index) => `${cast(name, duckDbType(type))} AS __k${index}`),
    `${time} AS __t`,
    `${created === null ? time : `coalesce(${at(created)}, ${time})`} AS __c`,
    ...(validTo === undefined ? [] : [`${validToSql(validTo)} AS __u`]),
    ...view.features.map(({ name, type }, index) => `${cast(name, duckDbType(type))} AS __v${index}`),
  ].join(', ')}`;
}

async function refuseStrays(
  connection: DuckDBConnection,
  view: BatchViewSpec,
  select: string,
  part: Interval,
  endIncluded: boolean,
): Promise<void> {
  const [row] = (
    await connection.runAndReadAll(
      `SELECT count(*), min(__t) FROM (${select}) WHERE __t < ${part.start} OR __t ${endIncluded ? '>' : '>='} ${part.end}`,
    )
  ).getRows();
  const strays = Number(row?.[0] ?? 0);
  if (strays === 0) return;
  throw new TidemarkError(
    'QUERY_INVALID',
    `Cannot use the query of view "${view.name}": ${strays} of its rows lie outside ${formatInterval(part)}, ` +
      `the first at ${formatTime(micros(BigInt(String(row?.[1]))))}. Restrict "${view.timestampField}" with $interval_start and $interval_end.`,
  );
}

/** The key columns of a query made here, for readers of its rows. */
export function rowColumns(view: BatchViewSpec): string {
  return identifiers([
    ...view.joinKeys.map((_, index) => `__k${index}`),
    '__t',
    '__c',
    ...view.features.map((_, index) => `__v${index}`),
  ]);
}
