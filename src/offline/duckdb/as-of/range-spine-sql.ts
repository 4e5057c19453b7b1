import { timeOf } from '../../../core/time.ts';
import type { RangeRows, Spine } from '../../as-of-engine.ts';
import { CREATED_TIME, EVENT_TIME } from '../../offline-columns.ts';
import { identifier, timestampLiteral } from '../sql-text.ts';
import { duckDbType } from '../types.ts';
import { countedRowsSql } from './counted-rows.ts';

/** Of no views: no rows, in the columns that there would be. */
const NOTHING: RangeRows = { joinKeys: [], knownAt: { kind: 'any' }, views: [] };

/** A query in parentheses: the join keys, then the time (TIMESTAMP, UTC); ordered, each pair once. */
export function rangeSpineSql(
  { from, to, rows = NOTHING, timestampField }: Spine & { readonly kind: 'range' },
  offlineRoot: string,
): string {
  const { joinKeys, views } = rows;
  const names = joinKeys.map(({ name }) => identifier(name));
  const keys = joinKeys.map(({ name, type }) => `CAST(${identifier(name)} AS ${duckDbType(type)})`);
  const inRange = [
    `${EVENT_TIME} >= ${timestampLiteral(timeOf(from))}`,
    `${EVENT_TIME} < ${timestampLiteral(timeOf(to))}`,
    // A null key is nobody's: no view would give such an entity row anything.
    ...names.map((name) => `${name} IS NOT NULL`),
    ...knownBy(rows),
  ].join(' AND ');
  const seen = views
    .filter(({ slices }) => slices.length > 0)
    .map(
      ({ slices, replaced = [], dataDelay }) =>
        `SELECT ${columns(keys, seenSql(rows, dataDelay))} FROM ${countedRowsSql({ joinKeys, slices, replaced, knownAt: rows.knownAt, offlineRoot })} WHERE ${inRange}`,
    );
  const none = `SELECT ${columns(
    joinKeys.map(({ type }) => `CAST(NULL AS ${duckDbType(type)})`),
    'CAST(NULL AS BIGINT)',
  )} WHERE false`;
  const time = `make_timestamp(seen.t) AS ${identifier(timestampField)}`;
  // With the table's name: a key may be called as a column here is.
  return (
    `(SELECT ${[...names.map((name, at) => `seen.k${at} AS ${name}`), time].join(', ')} ` +
    `FROM (SELECT DISTINCT * FROM (${seen.length === 0 ? none : seen.join(' UNION ALL ')})) AS seen ` +
    `ORDER BY ${[...names.map((_, at) => `seen.k${at}`), 'seen.t'].join(', ')})`
  );
}

function columns(keys: readonly string[], time: string): string {
  return [...keys.map((key, at) => `${key} AS k${at}`), `${time} AS t`].join(', ');
}

/** When serving first saw a row: the same expression as in the join's order by visibility. */
function seenSql({ knownAt }: RangeRows, dataDelay: bigint): string {
  const complete = `epoch_us(${EVENT_TIME}) + ${dataDelay}`;
  return knownAt.kind === 'row' ? `greatest(${complete}, epoch_us(${CREATED_TIME}))` : complete;
}

function knownBy({ knownAt }: RangeRows): readonly string[] {
  return knownAt.kind === 'cutoff' ? [`${CREATED_TIME} <= ${timestampLiteral(knownAt.at)}`] : [];
}
