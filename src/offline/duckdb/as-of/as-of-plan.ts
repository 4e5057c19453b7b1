import type { DuckDBConnection } from '@duckdb/node-api';
import type { KnownAt } from '../../../core/as-of.ts';
import type { Micros } from '../../../core/time.ts';
import { type ValueType, valueTypeOf } from '../../../core/value-type.ts';
import type { AsOfView } from '../../as-of-engine.ts';
import type { RevisedSlice } from '../../feature-reader.ts';
import { NUMBERING, numberedScanSql } from '../slice-scan.ts';
import { duckDbType } from '../types.ts';
import type { FileFacts } from './as-of-facts.ts';
import { BY_EVENT_TIME, byRecency, type RowOrder } from './as-of-order.ts';
import { reachOf } from './as-of-reach.ts';
import { type JoinPlan, recencyFactsSql, type ViewJoin } from './as-of-sql.ts';
import { aroundAll, type Bounds } from './bounds.ts';
import { countedRowsSql, readsReplaced } from './counted-rows.ts';
import { fitsInteger, narrowInteger } from './narrow-integer.ts';
import { recencyOfSlices, type SlicesRecency } from './recency-of-slices.ts';

/** A spine this many times smaller than the files is worth a look-up of each row's key before rows are sorted. */
const FEW_KEYS = 16;

/** What of a view is joined to how many spine rows. */
export interface ViewRows {
  readonly view: AsOfView;
  readonly slices: readonly RevisedSlice[];
  readonly replaced: readonly RevisedSlice[];
  readonly facts: FileFacts;
  /** As it applies to this view. */
  readonly knownAt: KnownAt;
  readonly span: { readonly first: Micros; readonly last: Micros };
  readonly spineRows: number;
  readonly offlineRoot: string;
}

/** The quickest way to join these rows, by what is true of them; null when none can be seen. */
export async function planJoin(connection: DuckDBConnection, given: ViewRows): Promise<ViewJoin | null> {
  const { view, slices, replaced, facts, knownAt, span, spineRows, offlineRoot } = given;
  const fetchValues = canNumber(given) && isWorthFetching(given);
  const rows = fetchValues
    ? numberedScanSql(slices, offlineRoot)
    : countedRowsSql({ ...given, joinKeys: view.joinKeys, eventTimes: facts.eventTimes });
  const read = readsReplaced(given) ? [...slices, ...replaced] : slices;
  const eventTimes = aroundAll(read.map(({ path }) => facts.eventTimes.get(path)));
  const join = { view, rows, knownAt, span, eventTimes };
  const told = recencyOfSlices(read, facts);
  const recency = told ?? (await readRecency(connection, join));
  if (recency === null) return null;
  const { newest } = reachOf(view);
  const isLate = knownAt.kind === 'row' && recency.lag.most > -newest;
  // What is late by one lag is seen in the order of its times, only later.
  const oneLag = recency.lag.least === recency.lag.most;
  const plan: JoinPlan = {
    order: orderBy(recency, read),
    newest: isLate && oneLag ? -recency.lag.most : newest,
    seenLate: isLate && !oneLag,
    narrowKeys: facts.keys.map(fitsInteger),
    valueTypes: view.features.map(({ feature }, at) => narrowValue(feature.type, facts.features[at] ?? null)),
    narrowIds: spineRows < 2 ** 31,
    onlySpineKeys: spineRows * FEW_KEYS < facts.rows,
    fetchValues,
    numbersAreOrder: false,
  };
  if (!plan.seenLate || told?.distinct !== true || !canNumber(given)) return { ...join, plan };
  const inOrder = inTimeOrder(slices, facts);
  if (inOrder === null) return { ...join, plan };
  const numbered = numberedScanSql(inOrder, offlineRoot);
  return { ...join, rows: numbered, plan: { ...plan, fetchValues: true, numbersAreOrder: true } };
}

/** Whole files that tell their recency, the earlier first; null when some are not read as a whole. */
function inTimeOrder(
  slices: readonly RevisedSlice[],
  { eventTimes }: Pick<FileFacts, 'eventTimes'>,
): readonly { readonly path: string }[] | null {
  if (slices.some(({ range }) => range !== undefined)) return null;
  const least = (path: string) => eventTimes.get(path)?.least ?? 0n;
  return slices
    .map(({ path }) => ({ path }))
    .toSorted((a, b) => (least(a.path) < least(b.path) ? -1 : Number(least(a.path) > least(b.path))));
}

/** Null: as it is. */
function narrowValue(type: ValueType, bounds: Bounds | null): string | null {
  if (bounds === null) return null;
  const own = duckDbType(type);
  const narrow = narrowInteger(bounds, own);
  return narrow === own ? null : narrow;
}

/** Rows are unique in key, event time, created time and revision: with one lag and revision, in key and event time. */
function orderBy(recency: SlicesRecency, slices: readonly RevisedSlice[]): RowOrder {
  const revisions = new Set(slices.map(({ revision }) => revision));
  const oneLag = recency.lag.least === recency.lag.most;
  if (recency.distinct || (oneLag && revisions.size === 1)) return BY_EVENT_TIME;
  return byRecency({ ...recency, lastRevision: Math.max(...revisions) });
}

/** By looking at every row that can be seen; null when there is none. */
async function readRecency(
  connection: DuckDBConnection,
  join: Omit<ViewJoin, 'plan'>,
): Promise<SlicesRecency | null> {
  const [row = []] = (await connection.runAndReadAll(recencyFactsSql(join))).getRows();
  const [first, last, least, most, wholeEvents, wholeLags] = row;
  if (typeof first !== 'bigint' || typeof last !== 'bigint') return null;
  if (typeof least !== 'bigint' || typeof most !== 'bigint') return null;
  return {
    event: { least: first, most: last },
    lag: { least, most },
    eventUnit: wholeEvents === true ? 1_000_000n : 1n,
    lagUnit: wholeLags === true ? 1_000_000n : 1n,
    distinct: false,
  };
}

/** Whether rows can be told by their numbers in the files. */
function canNumber({ view, ...given }: ViewRows): boolean {
  // Finding the rows that were replaced takes a join of its own, which is not made twice.
  if (readsReplaced(given)) return false;
  const names = [
    ...view.features.map(({ feature }) => feature.name),
    ...view.joinKeys.map(({ name }) => name),
  ];
  return !names.some((name) => NUMBERING.includes(name.toLowerCase()));
}

/**
 * Whether only row numbers go through the join. Values that go along are sorted with every row of the files; values
 * fetched afterwards are read once more, and then looked up in no order. So they are fetched when few rows win and when
 * they are wide. That sorting all may not fit into memory is no reason: what is fetched must be sorted then too.
 */
function isWorthFetching({ view, facts, spineRows }: ViewRows): boolean {
  const bytes = view.features.reduce((sum, { feature }) => sum + valueBytes(feature.type), 0);
  if (bytes <= NUMBER_BYTES) return false;
  if (bytes >= WIDE_BYTES) return true;
  return spineRows * 2 < facts.rows;
}

const NUMBER_BYTES = 8;
/** Measured: 400 bytes a row took half as long again to sort as to fetch, 64 bytes about the same. */
const WIDE_BYTES = 128;

/** About how many bytes a value takes in DuckDB's memory. */
export function valueBytes(type: ValueType): number {
  const parsed = valueTypeOf(type);
  switch (parsed.kind) {
    case 'scalar':
      return parsed.type === 'string' || parsed.type === 'bytes' || parsed.type === 'json' ? 24 : 8;
    case 'array':
      return 64;
    case 'vector':
      return 4 * parsed.size;
  }
}
