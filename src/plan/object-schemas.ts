import { z } from 'zod';
import { PARTITION_GRANULARITIES } from '../core/source.ts';
import { parseTableName } from '../core/table-name.ts';
import { isDefinition, isSource } from '../define/definition.ts';
import type { ViewSelection } from '../define/feature-view.ts';
import * as field from './field-schemas.ts';
import { refuseMixedTimes, rowTimeFields } from './row-times.ts';

/** Schemas of the definitions' configs: what each field is on its own. `validate` adds what holds between them. */

export const projectSchema = field.fields({ name: field.name, ...field.metadata });

export const entitySchema = field.fields({
  name: field.name,
  joinKeys: field.named(field.keyType, 'key types'),
  ...field.metadata,
});

export const sourceSchema = field
  .fields({
    name: field.name,
    path: field.filePath,
    ...rowTimeFields,
    createdTimestampField: field.columnName.optional(),
    columns: z.record(field.columnName, field.valueType, 'an object of types by column').optional(),
    hivePartitioning: field.flag.optional(),
    partitionedBy: field
      .fields({
        column: field.columnName,
        granularity: z.enum(PARTITION_GRANULARITIES, `one of ${PARTITION_GRANULARITIES.join(', ')}`),
      })
      .optional(),
    ...field.metadata,
  })
  .superRefine(refuseMixedTimes);

export const postgresSourceSchema = field
  .fields({
    name: field.name,
    urlEnv: field.variableName,
    table: field.text.superRefine(refuseNoTable).optional(),
    query: field.text.optional(),
    ...rowTimeFields,
    createdTimestampField: field.columnName.optional(),
    columns: z.record(field.columnName, field.valueType, 'an object of types by column').optional(),
    ...field.metadata,
  })
  .refine(({ table, query }) => (table === undefined) !== (query === undefined), {
    path: ['table'],
    message: 'one of table and query',
  })
  .superRefine(refuseMixedTimes);

function refuseNoTable(text: string, context: z.RefinementCtx): void {
  const name = parseTableName(text);
  if (name.ok) return;
  const message = `a table, with its schema where needed, as in SQL: events, shop.events, "My Schema"."events.2026" (${name.reason})`;
  context.addIssue({ code: 'custom', message });
}

const entities = z.array(
  definition('entity', 'an entity made by entity()'),
  'a list of entities ([] for a view without keys)',
);
const SOURCE =
  'a source made by parquetSource(), csvSource(), jsonSource(), postgresSource() or pushSource()';
const source = z.custom((value) => isDefinition(value) && isSource(value), SOURCE);
const share = z.number('a number from 0 to 1').min(0, 'a number from 0 to 1').max(1, 'a number from 0 to 1');
const bound = z.number('a number, or null for no bound').nullable();

const quality = z.array(
  z.discriminatedUnion(
    'kind',
    [
      field.fields({
        kind: z.literal('minRows'),
        rows: z.int('a whole number from 1').min(1, 'a whole number from 1'),
      }),
      field.fields({ kind: z.literal('maxNullShare'), feature: field.name, share }),
      field.fields({ kind: z.literal('between'), feature: field.name, min: bound, max: bound }),
    ],
    'a rule made by minRows(), maxNullShare() or between()',
  ),
  'a list of quality rules',
);

const commonView = {
  name: field.name,
  version: field.version,
  entities,
  schedule: field.cron,
  startTime: field.time,
  dataDelay: field.duration.optional(),
  ttl: field.positiveDuration.optional(),
  freshnessSla: field.positiveDuration.optional(),
  online: field.flag.optional(),
  paused: field.flag.optional(),
  quality: quality.optional(),
  ...field.metadata,
};

const features = field.named(field.valueType, 'value types');

/** The forms of a batch view; `undecided` is what remains to check when the form itself is wrong. */
export const batchViewSchemas = {
  aggregations: field.fields({
    ...commonView,
    source,
    // Each one is checked by its own schema, so that a mistake in one does not hide another's.
    aggregations: field.named(z.unknown(), 'aggregations'),
  }),
  sql: field.fields({
    ...commonView,
    sources: z.array(source, 'a list of sources').min(1, 'a list of at least one source'),
    sql: field.text,
    features,
    timestampField: field.columnName.optional(),
    createdTimestampField: field.columnName.optional(),
    intervalsPerQuery: z.int('a whole number from 1').min(1, 'a whole number from 1').optional(),
  }),
  passthrough: field.fields({ ...commonView, source, features }),
  stream: field.fields({
    ...commonView,
    source: definition('push_source', 'a source made by pushSource()'),
    features,
    stream: z.literal(true, 'true, as streamFeatureView() sets it'),
  }),
  undecided: z.looseObject(commonView),
};

const none = z.null('nothing: this function takes no such argument');
const aggregationFields = {
  kind: z.literal('simple'),
  column: field.text,
  window: field.positiveDuration,
  where: field.text.nullable(),
  argument: none,
  type: field.valueType.nullable(),
};
const NEWEST = 'how many values to keep, a whole number from 1 to 1000';

export const simpleAggregationSchema = z.discriminatedUnion(
  'fn',
  [
    field.fields({ ...aggregationFields, fn: z.literal('count'), column: field.text.nullable() }),
    field.fields({
      ...aggregationFields,
      fn: z.literal([
        'countDistinct',
        'sum',
        'avg',
        'min',
        'max',
        'stddev',
        'median',
        'mode',
        'first',
        'last',
      ]),
    }),
    field.fields({ ...aggregationFields, fn: z.literal('quantile'), argument: share }),
    field.fields({
      ...aggregationFields,
      fn: z.literal('collectList'),
      argument: z.int(NEWEST).min(1, NEWEST).max(1000, NEWEST),
    }),
  ],
  'an aggregation such as count() or avg()',
);

const request = z.custom(
  (value) => isObject(value) && value.kind === 'request_source',
  'a batch view, or request data made by requestSource()',
);

export const onDemandViewSchema = field.fields({
  name: field.name,
  version: field.version,
  inputs: field.named(
    z.union([definition('batch_view', ''), request], 'a batch view, or request data made by requestSource()'),
    'batch views and request data',
  ),
  features,
  transform: z.custom((value) => typeof value === 'function', 'a function of the inputs'),
  ...field.metadata,
});

export const requestSchema = field.fields({
  kind: z.literal('request_source'),
  fields: field.named(field.valueType, 'value types'),
});

const SERVICE_FEATURE = 'a feature view, or some of its features by pick()';
export const featureServiceSchema = field.fields({
  name: field.name,
  features: z
    .array(
      z.custom(
        (value) =>
          isViewSelection(value) ||
          (isDefinition(value) && (value.kind === 'batch_view' || value.kind === 'on_demand_view')),
        SERVICE_FEATURE,
      ),
      'a list of feature views',
    )
    .min(1, 'a list of at least one feature view'),
  ...field.metadata,
});

export function isViewSelection(value: unknown): value is ViewSelection {
  return isObject(value) && value.kind === 'view_selection';
}

export function definition(kind: string, allowed: string) {
  return z.custom((value) => isDefinition(value) && value.kind === kind, allowed);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object';
}
