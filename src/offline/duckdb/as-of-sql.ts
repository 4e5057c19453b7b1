import type { KnownAt } from '../../core/as-of.ts';
import type { Micros } from '../../core/time.ts';
import type { AsOfView } from '../as-of-engine.ts';
import { CREATED_TIME, EVENT_TIME, VALID_TO } from '../offline-columns.ts';
import { type Reach, reachOf } from './as-of-reach.ts';
import { keySql } from './spine-columns.ts';
import { identifier, timestampLiteral } from './sql-text.ts';

/**
 * The SQL of the as-of join (DESIGN 7, rules 1 to 8). `__spine` is as `spine.ts` leaves it; all times in here are
 * BIGINT microseconds, so nothing depends on a calendar.
 *
 * Each view is joined on its own to the spine's keys and times alone, into `__joined_<i>` in the spine's order;
 * at the end the tables are laid side by side. So work grows with the number of views and features, and no wide
 * row is ever sorted.
 */
export interface ViewJoin {
  readonly view: AsOfView;
  /** A query in parentheses of the view's rows, with `__revision`. */
  readonly rows: string;
  /** As it applies to this view. */
  readonly knownAt: KnownAt;
  readonly span: { readonly first: Micros; readonly last: Micros };
}

/** What about a view's rows decides how they must be compared. */
export interface RecencyFacts {
  readonly rows: number;
  /** Created time minus event time. */
  readonly minLag: bigint;
  readonly maxLag: bigint;
  readonly revisions: number;
}

/** One row: count(*), least and greatest lag, number of revisions. */
export function factsSql(join: ViewJoin): string {
  return (
    `SELECT count(*), min(lag), max(lag), count(DISTINCT __revision) FROM (` +
    `SELECT epoch_us(${CREATED_TIME}) - epoch_us(${EVENT_TIME}) AS lag, __revision FROM ${join.rows} ` +
    `WHERE ${relevantSql(join)})`
  );
}

/** Rows that some spine row may see; comparisons with plain columns, so that files are skipped by statistics. */
function relevantSql({ view, knownAt, span }: ViewJoin): string {
  const { oldest, newest } = reachOf(view);
  const conditions = [`${EVENT_TIME} <= ${timestampLiteral((span.last + newest) as Micros)}`];
  if (oldest !== null)
    conditions.push(`${EVENT_TIME} >= ${timestampLiteral((span.first + oldest) as Micros)}`);
  if (knownAt.kind === 'cutoff') conditions.push(`${CREATED_TIME} <= ${timestampLiteral(knownAt.at)}`);
  if (knownAt.kind === 'row') conditions.push(`${CREATED_TIME} <= ${timestampLiteral(span.last)}`);
  return conditions.join(' AND ');
}

/**
 * How rows of one entity are ordered in the join:
 * - `event`: by event time, when no two rows of an entity can share one (a constant lag, one revision: rows are
 *   unique in event and created time);
 * - `recency`: by event time, created time and revision as one value, which needs no rows removed beforehand;
 * - `visible`: by the time a row came to be seen, when known-at `'row'` lets some be seen later than their event
 *   time and delay say. Rows older than one that was seen before them can never win, and are left out.
 */
export type JoinOrder = 'event' | 'recency' | 'visible';

export function joinOrder({ view, knownAt }: ViewJoin, facts: RecencyFacts): JoinOrder {
  if (knownAt.kind === 'row' && facts.maxLag > view.dataDelay) return 'visible';
  return facts.minLag === facts.maxLag && facts.revisions <= 1 ? 'event' : 'recency';
}

/**
 * Makes `__joined_<index>`: columns `f0`, `f1`, … of the view, and `same`, whether the winner's event time is the
 * row's own; one row per spine row, in the spine's order.
 */
export function joinViewSql(
  join: ViewJoin,
  order: JoinOrder,
  keyColumns: readonly number[],
  index: number,
): string {
  const { view } = join;
  const reach = reachOf(view);
  const keys = view.joinKeys.map((key, at) => `${keySql(key, `c${keyColumns[at]}`)} AS k${at}`);
  const conditions = [...view.joinKeys.map((_, at) => `s.k${at} = f.k${at}`), 's.b >= f.o'];
  const event = eventSql(order);
  // The winner has the greatest event time of all that are seen, so when it is too old, all are.
  const counts = [
    ...(reach.oldest === null ? [] : [`${event} >= s.t + ${reach.oldest}`]),
    ...(view.validity === true ? [`s.t${view.horizon === undefined ? '' : ` + ${reach.newest}`} < f.v`] : []),
  ].join(' AND ');
  const value = (sql: string) => (counts === '' ? sql : `CASE WHEN ${counts} THEN ${sql} END`);
  const values = view.features.map((_, at) => `${value(`f.f${at}`)} AS f${at}`);
  return (
    `CREATE TEMP TABLE __joined_${index} AS ` +
    `SELECT ${[...values, `${value(`${event} = s.t`)} AS same`].join(', ')} ` +
    `FROM (SELECT ${['rowid AS id', ...keys, 't', `${boundSql(reach, order)} AS b`].join(', ')} FROM __spine) s ` +
    `ASOF LEFT JOIN (${candidatesSql(join, order)}) f ON ${conditions.join(' AND ')} ORDER BY s.id`
  );
}

const RECENCY = `{'e': epoch_us(${EVENT_TIME}), 'c': epoch_us(${CREATED_TIME}), 'r': __revision}`;

/** Up to where a spine row sees, in the terms of the order. */
function boundSql({ newest }: Reach, order: JoinOrder): string {
  switch (order) {
    case 'event':
      return `t + ${newest}`;
    case 'recency':
      return `{'e': t + ${newest}, 'c': 9223372036854775807::BIGINT, 'r': 2147483647::INTEGER}`;
    case 'visible':
      return 't';
  }
}

/** The event time of a candidate: what is in its order already is not carried through the join again. */
function eventSql(order: JoinOrder): string {
  switch (order) {
    case 'event':
      return 'f.o';
    case 'recency':
      return 'f.o.e';
    case 'visible':
      return 'f.e';
  }
}

/** Columns `k<i>`, `o` (the order), `f<i>`, with validity `v` (until when it is true), and where the order does not tell it `e` (event time). */
function candidatesSql(join: ViewJoin, order: JoinOrder): string {
  const { view, rows } = join;
  const keys = view.joinKeys.map(({ name }, at) => `${identifier(name)} AS k${at}`);
  const values = view.features.map(({ feature }, at) => `${identifier(feature.name)} AS f${at}`);
  const event = `epoch_us(${EVENT_TIME})`;
  const valid = view.validity === true ? [`coalesce(epoch_us(${VALID_TO}), 9223372036854775807) AS v`] : [];
  const select = (...ordered: readonly string[]) =>
    `SELECT ${[...keys, ...ordered, ...valid, ...values].join(', ')} FROM ${rows} WHERE ${relevantSql(join)}`;
  switch (order) {
    case 'event':
      return select(`${event} AS o`);
    case 'recency':
      return select(`${RECENCY} AS o`);
    case 'visible': {
      const visible = `greatest(${event} - ${reachOf(view).newest}, epoch_us(${CREATED_TIME}))`;
      const entity =
        keys.length === 0
          ? ''
          : `PARTITION BY ${view.joinKeys.map(({ name }) => identifier(name)).join(', ')} `;
      return `${select(`${visible} AS o`, `${event} AS e`)} QUALIFY ${RECENCY} = max(${RECENCY}) OVER (${entity}ORDER BY ${visible})`;
    }
  }
}
