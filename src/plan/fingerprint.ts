import type { Aggregation, SimpleAggregation } from '../core/aggregation.ts';
import { digestOf } from '../core/canonical.ts';
import type { BatchViewSpec, OnDemandViewSpec, Transformation } from '../core/feature-view.ts';
import { durationOf } from '../core/time.ts';

/**
 * What decides a version's values, and so its identity: two versions with one fingerprint compute the same rows.
 *
 * In it, because each of them changes rows that are stored, or columns of the files they are stored in:
 * join keys and their order; the transformation (windows as durations, queries as parsed); timestamp fields and
 * ends of validity; each source's name, kind, timestamp fields, ends of validity and query; the features and their types; the schedule (event times of aggregated
 * rows are its ticks) and the data delay (part of their created times).
 *
 * Not in it: names of entities, owners, descriptions, tags, SLAs; where a source lies and what it promises of its
 * columns (a file may move); ttl (how long a value is used, not what it is); start time (which intervals there are);
 * online and quality rules (what happens to a value). A plan shows these as additive or metadata.
 *
 * The function of an on-demand view is not in its fingerprint: nothing is stored that it decides. A plan compares it by
 * a digest of its own.
 */
export function batchFingerprint(view: Omit<BatchViewSpec, 'fingerprint'>): string {
  return digestOf({
    kind: view.kind,
    joinKeys: view.joinKeys,
    transformation: transformationIdentity(view.transformation),
    timestampField: view.timestampField,
    createdTimestampField: view.createdTimestampField,
    ...(view.validTo === undefined ? {} : { validTo: view.validTo }),
    sources: view.sources.map((source) => ({
      name: source.name,
      kind: source.kind,
      timestampField: source.timestampField,
      createdTimestampField: source.createdTimestampField,
      ...(source.validTo === undefined ? {} : { validTo: source.validTo }),
      ...(source.kind === 'postgres' && source.query !== null ? { query: source.query } : {}),
    })),
    features: view.features.map(({ name, type }) => ({ name, type })),
    schedule: view.schedule,
    dataDelay: durationOf(view.dataDelay),
  });
}

export function onDemandFingerprint(view: Omit<OnDemandViewSpec, 'fingerprint'>): string {
  return digestOf({
    kind: view.kind,
    inputs: view.inputs.map((input) =>
      input.kind === 'view'
        ? { kind: input.kind, name: input.name, view: input.view, version: input.version }
        : { kind: input.kind, name: input.name, fields: input.fields },
    ),
    features: view.features.map(({ name, type }) => ({ name, type })),
  });
}

function transformationIdentity(transformation: Transformation): unknown {
  switch (transformation.kind) {
    case 'aggregations':
      return transformation.aggregations.map(({ feature, aggregation }) => ({
        feature,
        ...aggregationIdentity(aggregation),
      }));
    case 'sql':
      return { query: transformation.queryDigest, intervalsPerQuery: transformation.intervalsPerQuery };
    case 'passthrough':
      return 'passthrough';
  }
}

/** Equal for two aggregations that compute the same: `7d` is `168h`. */
export function aggregationIdentity(aggregation: Aggregation): object {
  const simple = ({ fn, column, window, where, argument }: SimpleAggregation) => ({
    fn,
    column,
    window: durationOf(window),
    where,
    argument,
  });
  return aggregation.kind === 'simple'
    ? simple(aggregation)
    : { numerator: simple(aggregation.numerator), denominator: simple(aggregation.denominator) };
}
