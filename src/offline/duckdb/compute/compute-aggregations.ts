import type { DuckDBConnection } from '@duckdb/node-api';
import type { NamedAggregation } from '../../../core/aggregation.ts';
import { TidemarkError } from '../../../core/errors.ts';
import type { BatchViewSpec } from '../../../core/feature-view.ts';
import type { Interval } from '../../../core/interval.ts';
import { durationOf, subtractDuration } from '../../../core/time.ts';
import { CREATED_TIME, EVENT_TIME, INTERVAL_END } from '../../offline-columns.ts';
import { openSource, type SourcePlace } from '../sources/open-source.ts';
import { describeSelect, requireColumn, timeRangeSql, timestampSql } from '../sources/source-scan.ts';
import { allOf, identifier, partitionBy } from '../sql-text.ts';
import { duckDbType } from '../types.ts';
import {
  argumentSql,
  argumentsOf,
  normalised,
  numberKind,
  numberStats,
  numberStatsSql,
  simpleAggregations,
} from './aggregate-arguments.ts';
import { type AggregationPlan, type KnownArgument, planAggregations, windowsOf } from './aggregation-sql.ts';
import { gridSql, tickGrid, ticksTableSql } from './tick-grid-sql.ts';

/** The events that decide a range, as a query. */
export interface AggregatedEvents {
  /** Columns: `__k<i>` keys, `__t` event time and `__c` created time (BIGINT µs), `__a<i>` arguments. */
  readonly select: string;
  /** Of `__a<i>`, in order. */
  readonly argumentTypes: readonly string[];
}

/** Reads the events in [start − largest window, end): those of the range's windows, and of the tick before them. */
export async function aggregatedEvents(
  connection: DuckDBConnection,
  view: BatchViewSpec,
  named: readonly NamedAggregation[],
  range: Interval,
  place: SourcePlace,
): Promise<AggregatedEvents> {
  const [source] = view.sources;
  if (source === undefined) {
    throw new TidemarkError('DEFINITION_INVALID', `Cannot compute view "${view.name}": it has no source.`);
  }
  const of = `source "${source.name}" of view "${view.name}"`;
  const from = subtractDuration(range.start, largest(windowsOf(named)));
  const { relation: scan, columns } = await openSource(connection, source, place, { from, to: range.end });
  const time = requireColumn(columns, view.timestampField, { of, time: true });
  const created =
    view.createdTimestampField === null
      ? null
      : requireColumn(columns, view.createdTimestampField, { of, time: true });
  const args = argumentsOf(named);
  const read = args.map((argument) => `${argumentSql(argument, columns)} AS ${argument.name}`);
  const types = await describeSelect(connection, `SELECT ${read.join(', ')} FROM ${scan}`);

  const keys = view.joinKeys.map(({ name, type }, index) => {
    requireColumn(columns, name, { of });
    return `CAST(${identifier(name)} AS ${duckDbType(type)}) AS __k${index}`;
  });
  const at = (name: string) => `epoch_us(${timestampSql(name)})`;
  const written = created === null ? at(time.name) : `coalesce(${at(created.name)}, ${at(time.name)})`;
  const bounds = timeRangeSql(time, { from, to: range.end });
  const rows = `SELECT ${[...keys, `${at(time.name)} AS __t`, `${written} AS __c`, ...read].join(', ')} FROM ${scan} WHERE ${bounds}`;
  const clean = types.map(({ name, engineType }) => `${normalised(name, engineType)} AS ${name}`);
  const keyNames = keyColumns(view);
  return {
    select:
      `SELECT ${[...keyNames, '__t', '__c', ...clean].join(', ')} FROM (${rows}) ` +
      `WHERE ${allOf(keyNames.map((name) => `${name} IS NOT NULL`))}`,
    argumentTypes: types.map(({ engineType }) => engineType),
  };
}

/**
 * Prepares the connection (temporary tables) and returns the query of the range's rows, with the columns of an
 * offline file.
 */
export async function prepareAggregations(
  connection: DuckDBConnection,
  view: BatchViewSpec,
  named: readonly NamedAggregation[],
  range: Interval,
  place: SourcePlace,
): Promise<string> {
  const events = await aggregatedEvents(connection, view, named, range, place);
  await connection.run(`CREATE OR REPLACE TEMP TABLE __events AS ${events.select}`);
  const args = await knownArguments(connection, named, events.argumentTypes);
  const plan = planAggregations(named, view.features, args);
  const grid = tickGrid(view.schedule, range);
  for (const statement of ticksTableSql(grid)) await connection.run(statement);
  const ticks = gridSql(grid, '__events', keyColumns(view), largest(plan.windows));
  return rowsSql(view, plan, ticks);
}

function rowsSql(view: BatchViewSpec, plan: AggregationPlan, ticks: string): string {
  const keys = keyColumns(view);
  const last = plan.windows.length - 1;
  const newest = plan.windowed.define(0, `max(__c) OVER __window${last}`);
  const frames = plan.windows.map(
    (length, index) =>
      `__window${index} AS (${partitionBy(keys)}ORDER BY __t RANGE BETWEEN ${length} PRECEDING AND 1 PRECEDING)`,
  );
  // Events and ticks in one sequence: a tick is a row without values, so that its frame is the events before it.
  const sequence =
    `(SELECT * FROM ${plan.events.sql('(SELECT *, false AS __tick FROM __events)')} ` +
    `UNION ALL BY NAME SELECT *, true AS __tick FROM (${ticks}))`;
  const windowed = plan.windowed.sql(sequence).replace(/\)$/, ` WINDOW ${frames.join(', ')})`);
  const finals = plan.finals.sql(`(SELECT * FROM ${windowed} WHERE __tick)`);
  const complete = `__t + ${durationOf(view.dataDelay)}`;
  const createdTime =
    view.createdTimestampField === null
      ? complete
      : `greatest(${complete}, coalesce(${newest}, ${complete}))`;
  const columns = [
    ...view.joinKeys.map(({ name }, index) => `__k${index} AS ${identifier(name)}`),
    `make_timestamp(__t) AS ${EVENT_TIME}`,
    `make_timestamp(${createdTime}) AS ${CREATED_TIME}`,
    `make_timestamp(__t) AS ${INTERVAL_END}`,
    ...view.features.map(({ name }, index) => `${plan.features[index]} AS ${identifier(name)}`),
  ];
  return `SELECT ${columns.join(', ')} FROM ${finals}`;
}

/** One more pass over the events, which tells how wide the exact sums have to be. */
async function knownArguments(
  connection: DuckDBConnection,
  named: readonly NamedAggregation[],
  types: readonly string[],
): Promise<readonly KnownArgument[]> {
  const args = argumentsOf(named).map((argument, index) => ({
    ...argument,
    engineType: types[index] ?? 'VARCHAR',
  }));
  const summed = args.filter(({ column, where, engineType }) =>
    simpleAggregations(named).some(
      (each) =>
        each.column === column &&
        each.where === where &&
        (each.fn === 'stddev' ||
          ((each.fn === 'sum' || each.fn === 'avg') && numberKind(engineType) === 'real')),
    ),
  );
  if (summed.length === 0) return args.map((argument) => ({ ...argument, stats: null }));
  const [row = []] = (
    await connection.runAndReadAll(
      `SELECT ${summed.map(({ name }) => numberStatsSql(name)).join(', ')} FROM __events`,
    )
  ).getRows();
  return args.map((argument) => {
    const at = summed.findIndex(({ name }) => name === argument.name);
    return { ...argument, stats: at < 0 ? null : numberStats(row.slice(at * 4, at * 4 + 4)) };
  });
}

function keyColumns(view: BatchViewSpec): readonly string[] {
  return view.joinKeys.map((_, index) => `__k${index}`);
}

function largest<T extends bigint>(ascending: readonly T[]): T {
  const last = ascending.at(-1);
  if (last === undefined) throw new RangeError('A view with aggregations has at least one window');
  return last;
}
