import { CREATED_TIME, EVENT_TIME, VALID_TO } from '../../offline-columns.ts';
import { allOf, partitionBy } from '../sql-text.ts';
import { reachOf } from './as-of-reach.ts';
import {
  fileKeysSql,
  type Joined,
  ofPartSql,
  ofSpineKeysSql,
  type Prepared,
  reachedSql,
  relevantSql,
  spineKeysSql,
  type ViewJoin,
  valuesSql,
  withoutOverSql,
} from './as-of-sql.ts';

/**
 * The joined rows where known-at `'row'` lets rows be seen in another order than that of their event times, and row
 * numbers are in the order of those: the winner is the row of the greatest number among all that are seen.
 *
 * Rows of the files and of the spine are sorted once, by when they are seen. A row of the files that comes right after
 * one of a greater number was overtaken by it; the greatest number so far is that of the last row, or one that a row so
 * far was overtaken by. So the running maximum, which costs more than the sort, is taken over the rows of the spine and
 * the overtaken ones alone, and not over all rows, as `joinedRowsSql` does.
 */
export function seenRowsSql(join: ViewJoin, joined: Joined): Prepared {
  return {
    before: [`CREATE OR REPLACE TEMP TABLE __matched AS ${matchSql(join, joined)}`],
    query: fetchSql(join, joined),
    after: ['DROP TABLE __matched'],
  };
}

/** Columns `id`, `k<i>`, `t` of the spine's rows, and `__row` of the winner. */
function matchSql(join: ViewJoin, joined: Joined): string {
  const names = join.view.joinKeys.map((_, at) => `k${at}`);
  const seen = `greatest(epoch_us(${EVENT_TIME}) - (${join.plan.newest}), epoch_us(${CREATED_TIME})) AS o`;
  const files = ofSpineKeysSql(
    join,
    joined.keyColumns,
    `SELECT ${[...fileKeysSql(join), seen, '__row AS x'].join(', ')} FROM ${join.rows} WHERE ${relevantSql(join)}`,
  );
  // Below all rows of the files: the greatest comes first among rows that are seen at one time, and these come last.
  const spine = [...spineKeysSql(join, joined.keyColumns), 't AS o', 'CAST(-1 - rowid AS BIGINT) AS x'];
  const rows = [files, `SELECT ${spine.join(', ')} FROM __spine`].map((sql) => ofPartSql(join, joined, sql));
  const before =
    `lag(CASE WHEN x >= 0 THEN x END, 1 IGNORE NULLS) ` +
    `OVER (${partitionBy(names)}ORDER BY o, x DESC) AS before`;
  // A null key is one like any other to a window, and matches nothing.
  const keyed = allOf(names.map((name) => `${name} IS NOT NULL`));
  const row = `CASE WHEN ${keyed} THEN newest END AS __row`;
  return (
    `SELECT ${['-1 - x AS id', ...names, 'o AS t', row].join(', ')} FROM (` +
    `SELECT *, max(before) OVER (${partitionBy(names)}ORDER BY o) AS newest FROM (` +
    `SELECT *, ${before} FROM (SELECT * FROM ${rows.join(' UNION ALL SELECT * FROM ')})` +
    ') WHERE x < 0 OR before > x) WHERE x < 0'
  );
}

/** The columns of `joinedRowsSql`. */
function fetchSql(join: ViewJoin, { carried }: Joined): string {
  const { view, plan } = join;
  const { oldest } = reachOf(view);
  const along = carried.flatMap(({ as }, at) =>
    typeof as === 'string' && as !== 'time' ? [`${as} AS c${at}`] : [],
  );
  const columns = carried.map(({ as }, at) => {
    if (as === 'time') return `m.t AS c${at}`;
    return typeof as === 'string' ? `s.c${at}` : `m.k${as.key} AS c${at}`;
  });
  const spine =
    along.length === 0 ? '' : ` JOIN (SELECT rowid AS id, ${along.join(', ')} FROM __spine) s ON m.id = s.id`;
  const valid = view.validity === true ? [`coalesce(epoch_us(${VALID_TO}), 9223372036854775807) AS v`] : [];
  const fetched = ['__row', `epoch_us(${EVENT_TIME}) AS e`, ...valid, ...valuesSql(join)];
  const values = view.features.map((_, at) => `f${at}`);
  const conditions = [
    ...(oldest === null ? [] : [`f.e < m.t + (${oldest})`]),
    ...(view.validity === true ? ['m.t >= f.v'] : []),
  ];
  const over = conditions.length === 0 ? [] : [`${conditions.join(' OR ')} AS over`];
  const same = `${plan.newest === 0n ? 'f.e >= m.t' : 'false'} AS same`;
  const found =
    `SELECT ${['m.id', ...columns, ...values, ...over, same].join(', ')} FROM __matched m${spine} ` +
    `LEFT JOIN (SELECT ${fetched.join(', ')} FROM ${join.rows} WHERE ${reachedSql(join)}) f ON m.__row = f.__row`;
  return over.length === 0 ? found : withoutOverSql(found, carried.length, values);
}
