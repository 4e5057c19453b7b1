import { acceptedTypes } from '../core/accepted-types.ts';
import type { NamedAggregation, SimpleAggregation } from '../core/aggregation.ts';
import type { BatchViewSpec, FeatureSpec, Transformation } from '../core/feature-view.ts';
import type { SourceSpec } from '../core/source.ts';
import type { ValueType } from '../core/value-type.ts';
import type { SimpleAggregationDefinition } from '../define/aggregation.ts';
import type {
  Aggregations,
  BatchViewDefinition,
  FeatureTypes,
  PassThroughViewInput,
  SqlViewInput,
} from '../define/feature-view.ts';
import type { LoadedDefinition } from '../repo/load-repo.ts';
import { sortedEntries } from './sorted.ts';
import type { SourceLookup } from './source-lookup.ts';
import { aggregationType, isNumber, TIME_TYPES } from './type-rules.ts';

/** What a view computes; features (and aggregations with them) sorted by name, so that their order says nothing. */
export interface Computation {
  readonly transformation: Transformation;
  readonly features: readonly FeatureSpec[];
}

type At = LoadedDefinition<BatchViewDefinition>;

/** Undefined when something is wrong with one of them; all that is wrong has then been reported. */
export async function compileAggregations(
  at: At,
  aggregations: Aggregations,
  source: SourceSpec,
  lookup: SourceLookup,
): Promise<Computation | undefined> {
  const named: NamedAggregation[] = [];
  const features: FeatureSpec[] = [];
  let sound = true;
  for (const [feature, definition] of sortedEntries(aggregations)) {
    const field = `aggregations.${feature}`;
    if (definition.kind === 'simple') {
      const type = await simpleType(at, field, definition, source, lookup);
      if (type === undefined) sound = false;
      else features.push({ name: feature, type, description: '' });
      named.push({ feature, aggregation: simpleSpec(definition) });
    } else {
      for (const part of ['numerator', 'denominator'] as const) {
        const type = await simpleType(at, `${field}.${part}`, definition[part], source, lookup);
        if (type === undefined) sound = false;
        else if (!isNumber(type)) {
          lookup.mismatch(at, `${field}.${part}`, `found ${type}, allowed is a number`);
          sound = false;
        }
      }
      features.push({ name: feature, type: 'float64', description: '' });
      const { numerator, denominator } = definition;
      named.push({
        feature,
        aggregation: {
          kind: 'ratio',
          numerator: simpleSpec(numerator),
          denominator: simpleSpec(denominator),
        },
      });
    }
  }
  return sound ? { transformation: { kind: 'aggregations', aggregations: named }, features } : undefined;
}

async function simpleType(
  at: At,
  field: string,
  { fn, column, where, type: declared }: SimpleAggregationDefinition,
  source: SourceSpec,
  lookup: SourceLookup,
): Promise<ValueType | undefined> {
  const columnType =
    column === null ? 'int64' : await lookup.expressionType(at, `${field}.column`, source, column.trim());
  let sound = columnType !== undefined;
  if (where !== null) {
    const condition = await lookup.expressionType(at, `${field}.where`, source, where.trim());
    if (condition === undefined) sound = false;
    else if (condition !== 'bool') {
      const found = condition ?? 'a type that Tidemark does not have';
      lookup.mismatch(at, `${field}.where`, `found a condition that gives ${found}, allowed is bool`);
      sound = false;
    }
  }
  if (columnType === undefined) return undefined;
  const result = aggregationType(fn, columnType, declared);
  if (result.ok) return sound ? result.type : undefined;
  const allowed = result.allowed.join(', ');
  if (result.about === 'type') {
    lookup.mismatch(at, `${field}.type`, `found ${declared}, allowed for ${fn} of "${column}" is ${allowed}`);
  } else {
    const found = columnType ?? 'of a type that Tidemark does not have';
    lookup.mismatch(
      at,
      `${field}.column`,
      `found "${column}" of source "${source.name}", which is ${found}; allowed for ${fn} is ${allowed}`,
    );
  }
  return undefined;
}

function simpleSpec({ fn, column, window, where, argument }: SimpleAggregationDefinition): SimpleAggregation {
  return {
    kind: 'simple',
    fn,
    column: column?.trim() ?? null,
    window,
    where: where?.trim() ?? null,
    argument,
  };
}

/** A SQL view: its query gives join keys, features and times. */
export async function compileSql(
  at: At,
  config: SqlViewInput<string, FeatureTypes>,
  {
    joinKeys,
    timestampField,
    createdTimestampField,
  }: Pick<BatchViewSpec, 'joinKeys' | 'timestampField' | 'createdTimestampField'>,
  sources: readonly SourceSpec[],
  lookup: SourceLookup,
): Promise<Computation | undefined> {
  const described = await lookup.queryOf(at, config.sql, sources);
  if (described === undefined) return undefined;
  const of = 'the query';
  let sound = true;
  const check = (field: string, name: string, allowed: readonly ValueType[]) => {
    if (lookup.columnAt(at, field, name, described.columns, of, allowed) === undefined) sound = false;
  };
  for (const { name, type } of joinKeys) check('sql', name, acceptedTypes(type));
  check('timestampField', timestampField, TIME_TYPES);
  if (createdTimestampField !== null) check('createdTimestampField', createdTimestampField, TIME_TYPES);
  const features = sortedEntries(config.features).map(([name, type]) => {
    check(`features.${name}`, name, acceptedTypes(type));
    return { name, type, description: '' };
  });
  if (!sound) return undefined;
  const transformation: Transformation = {
    kind: 'sql',
    query: config.sql.trim(),
    queryDigest: described.digest,
    intervalsPerQuery: config.intervalsPerQuery ?? null,
  };
  return { transformation, features };
}

/** A pass-through view: its features are columns of its source. */
export async function compilePassThrough(
  at: At,
  config: PassThroughViewInput<string, FeatureTypes>,
  source: SourceSpec,
  lookup: SourceLookup,
): Promise<Computation | undefined> {
  const columns = await lookup.columnsOf(source);
  if (columns === undefined) return undefined;
  let sound = true;
  const features = sortedEntries(config.features).map(([name, type]) => {
    const column = lookup.columnAt(
      at,
      `features.${name}`,
      name,
      columns,
      `source "${source.name}"`,
      acceptedTypes(type),
    );
    if (column === undefined) sound = false;
    return { name, type, description: '' };
  });
  return sound ? { transformation: { kind: 'passthrough' }, features } : undefined;
}
