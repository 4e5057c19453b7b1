import { formatViewVersion } from '../core/feature-view.ts';
import type { OnDemandFunctions } from '../core/on-demand.ts';
import type { OutputFeature } from '../core/resolve-features.ts';
import type { FeatureStatus } from '../core/rows.ts';
import type { Clock, Micros } from '../core/time.ts';
import type { Value, ValueType } from '../core/value-type.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { buildKeys } from './build-keys.ts';
import { computeOnDemand, type OnDemandFailure } from './compute-on-demand.ts';
import type { ReadPlan, RequestShape } from './read-plan.ts';
import type { RegistrySnapshot } from './registry-watch.ts';
import { decodeColumns, type EchoedColumn, type RequestColumns } from './request-columns.ts';
import { type PartRows, serveRows } from './serve-rows.ts';

export interface FeatureRequest extends RequestShape {
  /** Join keys, and the request data of on-demand views, by column. */
  readonly columns: RequestColumns;
  /** Give values that are older than their view's TTL, or true no longer, too; their status stays OUTSIDE_MAX_AGE. */
  readonly includeExpired: boolean;
}

export interface ReadDependencies {
  readonly snapshot: RegistrySnapshot;
  readonly planRead: (snapshot: RegistrySnapshot, shape: RequestShape) => ReadPlan;
  readonly online: Pick<OnlineStore, 'read'>;
  readonly functions: OnDemandFunctions;
  readonly clock: Clock;
  readonly maxRows: number;
  /** Features of rows in one request. */
  readonly maxValues: number;
  /** Told how many values will be read, before any is, and waited for; what it throws is thrown. */
  readonly admit?: (values: number) => Promise<void> | undefined;
}

/** Features of rows in one request, unless told otherwise: some seconds' work, and an answer of a hundred megabytes. */
export const MAX_VALUES = 2_000_000;

/** A few milliseconds' work: of more, others have their turn in between. */
const VALUES_PER_TURN = 50_000;

/** The answer by column; lists stand in the order of the request's rows. */
export interface OnlineFeatures {
  readonly rows: number;
  readonly keys: readonly EchoedColumn[];
  readonly features: readonly FeatureColumn[];
  readonly onDemandFailures: readonly OnDemandFailure[];
}

export interface FeatureColumn {
  readonly name: string;
  readonly type: ValueType;
  readonly view: string;
  readonly version: number;
  readonly values: readonly Value[];
  readonly statuses: readonly FeatureStatus[];
  /** Event times of the stored rows; null where there is none, and for on-demand features. Columns may share them. */
  readonly eventTimes: readonly (Micros | null)[];
}

/**
 * Reads every feature of a request in one reading of the online store.
 *
 * 1. Equal entities are read once.
 * 2. Age is counted from the stored event time: older than the TTL is OUTSIDE_MAX_AGE and withheld (null), and so is a
 *    row that says that it is true no longer.
 * 3. On-demand features are computed afterwards from what is served, not from what is withheld.
 */
export async function readFeatures(
  request: FeatureRequest,
  { snapshot, planRead, online, functions, clock, maxRows, maxValues, admit }: ReadDependencies,
): Promise<OnlineFeatures> {
  const plan = planRead(snapshot, request);
  const { rows, inputs, keys } = decodeColumns(plan, request.columns, {
    manifest: snapshot.manifest,
    maxRows,
    maxValues,
  });
  const turn = admit?.(rows * plan.resolved.outputs.length);
  if (turn !== undefined) await turn;
  const distinct = plan.keySets.map((columns) =>
    buildKeys(
      columns.map((column) => inputs[column] ?? []),
      rows,
    ),
  );
  const stored = await online.read(
    plan.parts.map(({ table, keySet }) => ({ table, keys: distinct[keySet]?.keys ?? [] })),
  );
  const now = clock();
  const parts = plan.parts.map((part, index) =>
    serveRows(part, distinct[part.keySet], stored[index] ?? [], now),
  );
  const onDemand = computeOnDemand(plan, {
    parts,
    inputs,
    rows,
    functions,
    includeExpired: request.includeExpired,
  });
  const columnOf = (output: OutputFeature): FeatureColumn => {
    const { name, view, version, feature, from } = output;
    const common = { name, view, version, type: feature.type };
    if (from.kind === 'onDemand') {
      const column = onDemand.columns[from.part]?.[from.feature] ?? missing(output);
      return { ...common, ...column, eventTimes: new Array<null>(rows).fill(null) };
    }
    const part = parts[from.part] ?? missing(output);
    return { ...common, ...serveColumn(part, from.feature, request.includeExpired) };
  };
  const features: FeatureColumn[] = [];
  let values = 0;
  for (const output of plan.resolved.outputs) {
    values += rows;
    if (values > VALUES_PER_TURN) {
      values = rows;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    features.push(columnOf(output));
  }
  return { rows, keys, features, onDemandFailures: onDemand.failures };
}

function serveColumn(
  { rows, expired, eventTimes, positions }: PartRows,
  feature: number,
  includeExpired: boolean,
) {
  const position = positions[feature] ?? -1;
  const values = new Array<Value>(rows.length);
  const statuses = new Array<FeatureStatus>(rows.length);
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index];
    const value = row?.values[position] ?? null;
    if (expired[index] === 1) {
      values[index] = includeExpired ? value : null;
      statuses[index] = 'OUTSIDE_MAX_AGE';
    } else {
      values[index] = value;
      statuses[index] = value !== null ? 'PRESENT' : row === undefined ? 'NOT_FOUND' : 'NULL_VALUE';
    }
  }
  return { values, statuses, eventTimes };
}

function missing({ view, version, feature }: OutputFeature): never {
  throw new RangeError(
    `the plan has no place for "${feature.name}" of ${formatViewVersion({ view, version })}`,
  );
}
