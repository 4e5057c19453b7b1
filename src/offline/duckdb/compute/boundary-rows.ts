import type { DuckDBConnection } from '@duckdb/node-api';
import type { BatchViewSpec } from '../../../core/feature-view.ts';
import type { Interval } from '../../../core/interval.ts';
import { withInterval } from '../../../core/interval-query.ts';
import { scheduleOf } from '../../../core/schedule.ts';
import { type Micros, micros } from '../../../core/time.ts';
import { type EngineColumn, requireColumn, timeRangeSql } from '../sources/source-scan.ts';
import { allOf } from '../sql-text.ts';

/**
 * A query that summarises its interval may give rows at `$interval_end`. One that reads up to and with its end gives
 * such a row again as the first of the next interval, to which it belongs, as intervals are half-open. Within a range
 * that interval's row is the one that stays; at the range's own end the next interval's query is asked for its rows of
 * that one moment, and what it gives too is deleted from `__rows`. So a row is in one file, however ranges are cut.
 * `project` makes the columns of `__rows` from a relation with those of the query (`columns`).
 */
export async function leaveToNextInterval(
  connection: DuckDBConnection,
  view: BatchViewSpec,
  end: Micros,
  query: {
    readonly text: string;
    readonly columns: readonly EngineColumn[];
    readonly project: (relation: string) => string;
  },
): Promise<void> {
  const atEnd = await connection.runAndReadAll(`SELECT 1 FROM __rows WHERE __t = ${end} LIMIT 1`);
  if (atEnd.currentRowCount === 0) return;
  const moment = { from: end, to: micros(end + 1n) };
  const next: Interval = { start: end, end: scheduleOf(view.schedule).ceil(moment.to) };
  const time = requireColumn(query.columns, view.timestampField, { of: `view "${view.name}"`, time: true });
  // With its interval written into it, a query whose times are its interval's end is seen to give none, and not run.
  const given = `(SELECT * FROM (${withInterval(query.text, next)}) WHERE ${timeRangeSql(time, moment)})`;
  const same = [...view.joinKeys.map((_, index) => `__k${index}`), '__c'].map(
    (column) => `next.${column} = __rows.${column}`,
  );
  await connection.run(
    `DELETE FROM __rows WHERE __t = ${end} AND EXISTS (SELECT 1 FROM (${query.project(given)}) next WHERE ${allOf(same)})`,
  );
}
