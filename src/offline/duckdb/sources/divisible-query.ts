import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import { type BatchViewSpec, formatViewVersion } from '../../../core/feature-view.ts';
import type { Interval } from '../../../core/interval.ts';
import { scheduleOf } from '../../../core/schedule.ts';
import type { Micros } from '../../../core/time.ts';
import { valueTypeOf } from '../../../core/value-type.ts';
import { identifier } from '../sql-text.ts';

/** Into how many pieces a range is cut for the comparison: all its intervals when there are no more. */
const PIECES = 16;

/**
 * A query that may span any number of intervals must give the same rows whole and cut: a schedule runs it for one
 * interval, a backfill for a thousand, and training sees both. So its first range is run again in pieces, cut at
 * ticks; `__result` holds the rows of the whole. Floating-point features are left out: the order in which an engine
 * adds may change their last bits.
 *
 * @throws QUERY_INVALID when the pieces have other rows than the whole.
 */
export async function refuseIndivisible(
  connection: DuckDBConnection,
  view: BatchViewSpec,
  whole: Interval,
  runInto: (table: string, part: Interval) => Promise<void>,
): Promise<void> {
  const pieces = cutEvenly(scheduleOf(view.schedule).ticks(whole.start, whole.end));
  if (pieces.length < 2) return;
  await connection.run('CREATE OR REPLACE TEMP TABLE __pieces AS FROM __result LIMIT 0');
  for (const piece of pieces) {
    await runInto('__piece', piece);
    await connection.run('INSERT INTO __pieces FROM __piece');
  }
  const compared = comparedColumns(view).join(', ');
  const wholeRows = `SELECT ${compared} FROM __result`;
  const cutRows = `SELECT ${compared} FROM __pieces`;
  const [row = []] = (
    await connection.runAndReadAll(
      `SELECT (SELECT count(*) FROM (${wholeRows} EXCEPT ALL ${cutRows})), (SELECT count(*) FROM (${cutRows} EXCEPT ALL ${wholeRows}))`,
    )
  ).getRows();
  const [onlyWhole, onlyCut] = row.map(Number);
  if (onlyWhole === 0 && onlyCut === 0) return;
  throw new TidemarkError(
    'QUERY_INVALID',
    `Cannot use the query of view ${formatViewVersion({ view: view.name, version: view.version })} for many intervals at once: run for ${pieces.length} pieces of a range it gives ${onlyCut} rows that it does not give for the whole, and lacks ${onlyWhole} that it does. ` +
      'A schedule and a backfill would compute other values. Set intervalsPerQuery: 1, or group by the interval.',
  );
}

function cutEvenly(ticks: readonly Micros[]): readonly Interval[] {
  const intervals = ticks.length - 1;
  const pieces = Math.min(PIECES, intervals);
  return Array.from({ length: Math.max(0, pieces) }, (_, piece) => ({
    start: ticks[Math.floor((piece * intervals) / pieces)] as Micros,
    end: ticks[Math.floor(((piece + 1) * intervals) / pieces)] as Micros,
  }));
}

function comparedColumns(view: BatchViewSpec): readonly string[] {
  const exact = view.features.filter(({ type }) => {
    const parsed = valueTypeOf(type);
    const scalar =
      parsed.kind === 'vector' ? 'float32' : parsed.kind === 'array' ? parsed.element : parsed.type;
    return scalar !== 'float32' && scalar !== 'float64';
  });
  return [...view.joinKeys, { name: view.timestampField }, ...exact].map(({ name }) => identifier(name));
}
