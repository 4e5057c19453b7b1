import type { DuckDBConnection } from '@duckdb/node-api';
import type { KnownAt } from '../../core/as-of.ts';
import type { Micros } from '../../core/time.ts';
import { type ValueType, valueTypeOf } from '../../core/value-type.ts';
import type { AsOfView } from '../as-of-engine.ts';
import type { RevisedSlice } from '../feature-reader.ts';
import type { FileFacts } from './as-of-facts.ts';
import { BY_EVENT_TIME, byRecency, type RowOrder } from './as-of-order.ts';
import { type JoinPlan, steadyLagSql, type ViewJoin } from './as-of-sql.ts';
import { NUMBERING, numberedScanSql, sliceScanSql } from './slice-scan.ts';

/** A spine this many times smaller than the files is worth a look-up of each row's key before rows are sorted. */
const FEW_KEYS = 16;

/** What of a view is joined to how many spine rows. */
export interface ViewRows {
  readonly view: AsOfView;
  readonly slices: readonly RevisedSlice[];
  readonly facts: FileFacts;
  /** As it applies to this view. */
  readonly knownAt: KnownAt;
  readonly span: { readonly first: Micros; readonly last: Micros };
  readonly spineRows: number;
  /** What DuckDB may use, in bytes. */
  readonly memory: number;
  readonly offlineRoot: string;
}

/** The quickest way to join these rows, by what the files' statistics say of them. */
export async function planJoin(connection: DuckDBConnection, rows: ViewRows): Promise<ViewJoin> {
  const { view, slices, facts, knownAt, span, spineRows, offlineRoot } = rows;
  const fetchValues = worthFetching(rows);
  const always = {
    narrowKeys: facts.keys.map((key) => key !== null && key.least >= -(2n ** 31n) && key.most < 2n ** 31n),
    onlySpineKeys: spineRows * FEW_KEYS < facts.rows,
    fetchValues,
  };
  const scan = fetchValues ? numberedScanSql : sliceScanSql;
  const join = (plan: Pick<JoinPlan, 'order' | 'seenLate'>): ViewJoin => ({
    view,
    rows: scan(slices, offlineRoot),
    knownAt,
    span,
    plan: { ...always, ...plan },
  });
  const careful = join({ order: orderOf(facts, slices), seenLate: knownAt.kind === 'row' });
  const [revision, ...others] = new Set(slices.map((slice) => slice.revision));
  if (facts.lag === null || revision === undefined || others.length > 0) return careful;
  // Rows are unique in key, event time and created time: with one lag, in key and event time.
  const [[steady] = []] = (await connection.runAndReadAll(steadyLagSql(careful, facts.lag))).getRows();
  if (steady !== true) return careful;
  return join({ order: BY_EVENT_TIME, seenLate: knownAt.kind === 'row' && facts.lag > view.dataDelay });
}

function orderOf({ event, created }: FileFacts, slices: readonly RevisedSlice[]): RowOrder {
  if (event === null || created === null) return byRecency(null);
  const lastRevision = slices.reduce((last, { revision }) => Math.max(last, revision), 0);
  return byRecency({ event, created, lastRevision });
}

/**
 * Whether only row numbers go through the join. Values that go along are sorted with every row of the files; values
 * fetched afterwards are read once more, and then looked up in no order. So they are fetched when few rows win, and when
 * sorting all would not fit into memory.
 */
function worthFetching({ view, facts, spineRows, memory }: ViewRows): boolean {
  const names = [
    ...view.features.map(({ feature }) => feature.name),
    ...view.joinKeys.map(({ name }) => name),
  ];
  if (names.some((name) => NUMBERING.includes(name.toLowerCase()))) return false;
  const bytes = view.features.reduce((sum, { feature }) => sum + valueBytes(feature.type), 0);
  if (bytes <= NUMBER_BYTES) return false;
  return spineRows * 2 < facts.rows || (spineRows + facts.rows) * (SORTED_BYTES + bytes) > memory / 2;
}

/** What a row number takes, and what else a sorted row takes. */
const NUMBER_BYTES = 8;
const SORTED_BYTES = 40;

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
