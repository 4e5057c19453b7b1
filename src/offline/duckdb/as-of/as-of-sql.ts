import type { KnownAt } from '../../../core/as-of.ts';
import type { Micros } from '../../../core/time.ts';
import type { AsOfView } from '../../as-of-engine.ts';
import { CREATED_TIME, EVENT_TIME, VALID_TO } from '../../offline-columns.ts';
import { identifier, partitionBy, timestampLiteral } from '../sql-text.ts';
import type { RowOrder } from './as-of-order.ts';
import { reachOf } from './as-of-reach.ts';
import type { Bounds } from './bounds.ts';
import type { CarriedColumn } from './carried-columns.ts';
import { keySql } from './spine-columns.ts';

/**
 * The SQL of the as-of join, by the rules of `core/as-of.ts` and of the port. `__spine` is as `spine.ts` leaves it; all times in here are
 * BIGINT microseconds, so nothing depends on a calendar.
 *
 * The rows of a request of one view carry the spine's columns through the join, and are put in order as they are
 * written, unless the join is large or something is computed from it (`join-while-writing.ts`). Of several views each is
 * joined on its own to the spine's keys and times alone, into a file in the spine's order (`join-in-pieces.ts`). What
 * goes through a join is sorted twice, byte by byte, which is most of the time that it takes: integers travel in the
 * narrowest types that hold them (`carried-columns.ts`).
 */
export interface ViewJoin {
  readonly view: AsOfView;
  /** A query in parentheses of the view's rows, with `__revision`, and with `__row` when values are fetched. */
  readonly rows: string;
  /** As it applies to this view. */
  readonly knownAt: KnownAt;
  /** Of the spine's rows. */
  readonly span: { readonly first: Micros; readonly last: Micros };
  /** Of the files' rows, or more; null when that is not known. */
  readonly eventTimes: Bounds | null;
  readonly plan: JoinPlan;
}

/** Choices between ways to the same answer. */
export interface JoinPlan {
  readonly order: RowOrder;
  /** An entity row sees event times up to its own and this, in microseconds. */
  readonly newest: bigint;
  /**
   * Rows are seen from when they were known, which known-at `'row'` lets be later than `newest` says, by one more than
   * by another. Rows older than one that was seen before them can never win, and are left out.
   */
  readonly seenLate: boolean;
  /** Row numbers of the files are in the order of event times, which no two rows of an entity share (`seenRowsSql`). */
  readonly numbersAreOrder: boolean;
  /** By position of the key: it is compared as INTEGER, which is sorted faster. All keys in the files fit. */
  readonly narrowKeys: readonly boolean[];
  /** By position of the feature: the narrower type it goes through the join in; null for its own. */
  readonly valueTypes: readonly (string | null)[];
  /** Row numbers of the spine are carried as INTEGER, which holds all of them. */
  readonly narrowIds: boolean;
  /** Rows of keys that the spine lacks are dropped before anything is sorted. */
  readonly onlySpineKeys: boolean;
  /** Only row numbers go through the join; values are fetched for the winners. */
  readonly fetchValues: boolean;
}

/**
 * One row of the rows that can be seen: least and greatest event time, least and greatest lag (created time less event
 * time), and whether event times and lags are all whole seconds.
 */
export function recencyFactsSql(join: Omit<ViewJoin, 'plan'>): string {
  return (
    'SELECT min(e), max(e), min(lag), max(lag), bool_and(e % 1000000 = 0), bool_and(lag % 1000000 = 0) FROM (' +
    `SELECT epoch_us(${EVENT_TIME}) AS e, ${LAG} AS lag FROM ${join.rows} WHERE ${relevantSql(join)})`
  );
}

const LAG = `epoch_us(${CREATED_TIME}) - epoch_us(${EVENT_TIME})`;

/** Rows that some spine row may see. What was known too late for any is not seen anyway. */
export function relevantSql(join: Omit<ViewJoin, 'plan'>): string {
  const { knownAt } = join;
  const conditions = [reachedSql(join)];
  if (knownAt.kind === 'cutoff') conditions.push(`${CREATED_TIME} <= ${timestampLiteral(knownAt.at)}`);
  return conditions.join(' AND ');
}

/** Of the files' times this share must be out of reach, for it to be worth looking at each row's. */
const WORTH_A_LOOK = 10n;

/**
 * Rows at times that some spine row may see: comparisons with a plain column, so that files are skipped by statistics.
 * Rows beyond are never seen, or too old when they are, and a comparison takes time too.
 */
export function reachedSql({ view, span, eventTimes }: Omit<ViewJoin, 'plan'>): string {
  const { oldest, newest } = reachOf(view);
  const isMuch = (beyond: bigint) =>
    eventTimes === null || beyond * WORTH_A_LOOK > eventTimes.most - eventTimes.least;
  const conditions: string[] = [];
  const last = (span.last + newest) as Micros;
  if (isMuch((eventTimes?.most ?? last) - last)) {
    conditions.push(`${EVENT_TIME} <= ${timestampLiteral(last)}`);
  }
  const first = oldest === null ? null : ((span.first + oldest) as Micros);
  if (first !== null && isMuch(first - (eventTimes?.least ?? first))) {
    conditions.push(`${EVENT_TIME} >= ${timestampLiteral(first)}`);
  }
  return conditions.length === 0 ? 'true' : conditions.join(' AND ');
}

/** What of a view's join is asked for. */
export interface Joined {
  /** By position of the join key. */
  readonly keyColumns: readonly number[];
  /** The spine columns that go through the join with the row's number. */
  readonly carried: readonly CarriedColumn[];
  /** Of so many parts, which hold the rows of different keys, this one. */
  readonly part?: { readonly at: number; readonly of: number };
}

/** A query, with what has to be run before it and after it. */
export interface Prepared {
  readonly before: readonly string[];
  readonly query: string;
  readonly after: readonly string[];
}

/**
 * One row per spine row, in no order: `id`, the row's number; `c0`, … of the spine as they are carried; `f0`, … of the
 * view, in types that hold them; `same`, whether the winner's event time is the row's own.
 */
export function joinedRowsSql(join: ViewJoin, joined: Joined): Prepared {
  const values = join.view.features.map((_, at) => `f${at}`);
  if (!join.plan.fetchValues) return { before: [], query: matchSql(join, joined, values), after: [] };
  const fetched = valuesSql(join);
  return {
    before: [`CREATE OR REPLACE TEMP TABLE __matched AS ${matchSql(join, joined, ['__row'])}`],
    query:
      `SELECT m.* EXCLUDE (__row, same), ${[...values, 'same'].join(', ')} FROM __matched m ` +
      `LEFT JOIN (SELECT ${['__row', ...fetched].join(', ')} FROM ${join.rows} WHERE ${reachedSql(join)}) f ` +
      'ON m.__row = f.__row',
    after: ['DROP TABLE __matched'],
  };
}

/** Columns `id`, `c<i>`, `chosen` of the winner, and `same`: one row per spine row. */
function matchSql(join: ViewJoin, joined: Joined, chosen: readonly string[]): string {
  const { view, plan } = join;
  const { oldest } = reachOf(view);
  const { newest } = plan;
  const order = plan.seenLate ? 'f.e' : 'f.o';
  const bound = plan.seenLate ? 't' : plan.order.ceiling('t', newest);
  // Every byte of a row is sorted along: a time that follows from the bound stays behind.
  const timeIsBound = !plan.seenLate && plan.order.isEventTime === true;
  const t = timeIsBound ? `(s.b - (${newest}))` : 's.t';
  // The winner has the greatest event time of all that are seen, so when it is too old, all are.
  const conditions = [
    ...(oldest === null ? [] : [`${order} < ${plan.order.floor(t, oldest)}`]),
    ...(view.validity === true ? [`${t}${view.horizon === undefined ? '' : ` + ${newest}`} >= f.v`] : []),
  ];
  const over = conditions.length === 0 ? [] : [`${conditions.join(' OR ')} AS over`];
  const same =
    view.horizon === undefined && newest === 0n ? `${order} >= ${plan.order.floor(t, 0n)}` : 'false';
  const along = joined.carried.flatMap(({ as }, at) =>
    typeof as === 'string' && as !== 'time' ? [`${as} AS c${at}`] : [],
  );
  const carried = joined.carried.map(({ as }, at) => {
    if (as === 'time') return `${t} AS c${at}`;
    return typeof as === 'string' ? `s.c${at}` : `s.k${as.key} AS c${at}`;
  });
  const id = plan.narrowIds ? 'CAST(rowid AS INTEGER)' : 'rowid';
  const keys = spineKeysSql(join, joined.keyColumns);
  const rows = [`${id} AS id`, ...along, ...keys, ...(timeIsBound ? [] : ['t']), `${bound} AS b`];
  const on = [...view.joinKeys.map((_, at) => `s.k${at} = f.k${at}`), 's.b >= f.o'];
  const found =
    `SELECT ${['s.id', ...carried, ...chosen.map((column) => `f.${column}`), ...over, `${same} AS same`].join(', ')} ` +
    `FROM ${ofPartSql(join, joined, `SELECT ${rows.join(', ')} FROM __spine`)} s ` +
    `ASOF LEFT JOIN ${ofPartSql(join, joined, candidatesSql(join, joined.keyColumns))} f ON ${on.join(' AND ')}`;
  if (over.length === 0) return found;
  return withoutOverSql(found, joined.carried.length, chosen);
}

/**
 * Rows with columns `id`, `c<i>`, those named, `over` and `same`; the named ones are null where the row is over. Null is
 * `over` where nothing was found, and all of it is null then anyway; asked this way round, most vectors of values are
 * passed on as they are.
 */
export function withoutOverSql(found: string, carried: number, names: readonly string[]): string {
  const spine = Array.from({ length: carried }, (_, at) => `c${at}`);
  const values = names.map((name) => `CASE WHEN over THEN NULL ELSE ${name} END AS ${name}`);
  return `SELECT ${['id', ...spine, ...values, 'same AND NOT over AS same'].join(', ')} FROM (${found})`;
}

/** Columns `f<i>`. */
export function valuesSql({ view, plan }: ViewJoin): readonly string[] {
  return view.features.map(({ feature }, at) => {
    const type = plan.valueTypes[at] ?? null;
    const value = identifier(feature.name);
    return `${type === null ? value : `CAST(${value} AS ${type})`} AS f${at}`;
  });
}

/** Of rows with keys `k<i>` those of the part; rows with the same keys are in the same part. */
export function ofPartSql({ view }: ViewJoin, { part }: Joined, rows: string): string {
  if (part === undefined || part.of === 1) return `(${rows})`;
  // Equal integers of different types have different hashes.
  const keys = view.joinKeys.map(({ type }, at) =>
    type === 'int32' || type === 'int64' ? `CAST(k${at} AS HUGEINT)` : `k${at}`,
  );
  return `(SELECT * FROM (${rows}) WHERE hash(${keys.join(', ')}) % ${part.of} = ${part.at})`;
}

/** Columns `k<i>`. A key that no INTEGER holds is null there, and so matches nothing, as no file has it. */
export function spineKeysSql({ view, plan }: ViewJoin, keyColumns: readonly number[]): readonly string[] {
  return view.joinKeys.map((key, at) => {
    const column = keySql(key, `c${keyColumns[at]}`);
    return `${plan.narrowKeys[at] === true ? `TRY_CAST(${column} AS INTEGER)` : column} AS k${at}`;
  });
}

/**
 * Columns `k<i>`, `o` (what the join goes by), the row's number or `f<i>`, with validity `v` (until when it is true),
 * and `e` (the order) where the join goes by something else.
 */
function candidatesSql(join: ViewJoin, keyColumns: readonly number[]): string {
  const { view, plan } = join;
  const seen = `greatest(epoch_us(${EVENT_TIME}) - (${plan.newest}), epoch_us(${CREATED_TIME}))`;
  const columns = [
    ...fileKeysSql(join),
    ...(plan.seenLate ? [`${seen} AS o`, `${plan.order.row} AS e`] : [`${plan.order.row} AS o`]),
    ...(view.validity === true ? [`coalesce(epoch_us(${VALID_TO}), 9223372036854775807) AS v`] : []),
    ...(plan.fetchValues ? ['__row'] : valuesSql(join)),
  ];
  const rows = `SELECT ${columns.join(', ')} FROM ${join.rows} WHERE ${relevantSql(join)}`;
  const met = ofSpineKeysSql(join, keyColumns, rows);
  if (!plan.seenLate) return met;
  const names = view.joinKeys.map((_, at) => `k${at}`);
  return `SELECT * FROM (${met}) QUALIFY e = max(e) OVER (${partitionBy(names)}ORDER BY o)`;
}

/** Columns `k<i>` of the files' rows. */
export function fileKeysSql({ view, plan }: ViewJoin): readonly string[] {
  return view.joinKeys.map(({ name }, at) => {
    const key = identifier(name);
    return `${plan.narrowKeys[at] === true ? `CAST(${key} AS INTEGER)` : key} AS k${at}`;
  });
}

/** Of the files' rows with keys `k<i>` those of keys that the spine has, where that is worth a look. */
export function ofSpineKeysSql(join: ViewJoin, keyColumns: readonly number[], rows: string): string {
  const { view, plan } = join;
  if (!plan.onlySpineKeys || view.joinKeys.length === 0) return rows;
  const names = view.joinKeys.map((_, at) => `k${at}`).join(', ');
  return `SELECT * FROM (${rows}) SEMI JOIN (SELECT ${spineKeysSql(join, keyColumns).join(', ')} FROM __spine) USING (${names})`;
}
