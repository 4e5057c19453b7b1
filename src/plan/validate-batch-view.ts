import { nearest } from '../core/nearest.ts';
import { formatTime, type Micros, parseDuration, parseTime } from '../core/time.ts';
import { isDefinition, isSource } from '../define/definition.ts';
import type { FieldProblem } from './finding.ts';
import { batchViewSchemas, simpleAggregationSchema } from './object-schemas.ts';
import { problemsOf, show } from './schema-problems.ts';

type Config = Readonly<Record<string, unknown>>;
export type ViewForm = 'aggregations' | 'sql' | 'passthrough' | 'stream';

/** Which of its forms a batch view has; undefined when it is none or several of them. */
export function formOf(config: object): ViewForm | undefined {
  const has = (key: string) => (config as Config)[key] !== undefined;
  if (has('aggregations')) return has('sql') || has('features') ? undefined : 'aggregations';
  if (has('sql')) return 'sql';
  if (has('stream')) return 'stream';
  return has('features') ? 'passthrough' : undefined;
}

/** Everything wrong with a batch view on its own: its fields, and what must hold between them. */
export function batchViewProblems(config: unknown, now: Micros): readonly FieldProblem[] {
  if (config === null || typeof config !== 'object') return problemsOf(batchViewSchemas.passthrough, config);
  const view = config as Config;
  const form = formOf(view);
  const problems = [...problemsOf(batchViewSchemas[form ?? 'undecided'], view)];
  if (form === undefined) {
    const found = ['aggregations', 'sql', 'features'].filter((key) => view[key] !== undefined);
    problems.push({
      field: 'config',
      message:
        `found ${found.length === 0 ? 'none of aggregations, sql and features' : found.join(' and ')}, allowed is ` +
        'exactly one of: aggregations; sql with features; features alone (columns that pass through)',
    });
  }
  return [
    ...problems,
    ...aggregationProblems(view.aggregations),
    ...validityProblems(view),
    ...timeProblems(view, now),
    ...nameProblems(view),
    ...qualityProblems(view),
    ...sqlProblems(view),
  ];
}

function aggregationProblems(aggregations: unknown): readonly FieldProblem[] {
  return entriesOf(aggregations).flatMap(([feature, aggregation]) => {
    const field = ['aggregations', feature];
    if (kindOf(aggregation) !== 'ratio') return problemsOf(simpleAggregationSchema, aggregation, field);
    return ['numerator', 'denominator'].flatMap((part) =>
      problemsOf(simpleAggregationSchema, (aggregation as Config)[part], [...field, part]),
    );
  });
}

function validityProblems({ aggregations, source }: Config): readonly FieldProblem[] {
  if (aggregations === undefined || !isDefinition(source)) return [];
  if ((source.kind !== 'file_source' && source.kind !== 'postgres_source') || !source.config?.validTo)
    return [];
  return [
    {
      field: 'source',
      message:
        `found source "${source.config.name}", whose rows are true from "${source.config.validFrom}" until "${source.config.validTo}"; ` +
        'aggregations count what happened at a time, allowed for them is a source with timestampField ' +
        '(columns may pass through, and a query may read it)',
    },
  ];
}

function timeProblems(view: Config, now: Micros): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const start = typeof view.startTime === 'string' ? parseTime(view.startTime) : undefined;
  if (start !== undefined && start > now) {
    problems.push({
      field: 'startTime',
      message: `found ${formatTime(start)}, which is in the future; allowed is a time up to now (${formatTime(now)})`,
    });
  }
  const delay = durationAt(view, 'dataDelay') ?? 0n;
  const ttl = durationAt(view, 'ttl');
  if (ttl !== undefined && ttl < delay) {
    problems.push({
      field: 'ttl',
      message: `found ${show(view.ttl)}, which is shorter than the data delay ${show(view.dataDelay)}: no value would ever be used; allowed is at least the data delay`,
    });
  }
  const sla = durationAt(view, 'freshnessSla');
  // A stream is as fresh as its newest event, whenever that becomes an offline feature.
  if (view.stream !== true && sla !== undefined && sla > 0n && sla <= delay) {
    problems.push({
      field: 'freshnessSla',
      message: `found ${show(view.freshnessSla)}, which cannot be kept with the data delay ${show(view.dataDelay)}; allowed is more than the data delay`,
    });
  }
  return problems;
}

function durationAt(view: Config, field: string): bigint | undefined {
  const value = view[field];
  return typeof value === 'string' ? parseDuration(value) : undefined;
}

/** Join keys and features are columns of one table: no name may stand for two of them. */
function nameProblems(view: Config): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const keyOwner = new Map<string, string>();
  for (const [index, entity] of listOf(view.entities).entries()) {
    if (!isDefinition(entity) || entity.kind !== 'entity') continue;
    for (const [key] of entriesOf(entity.config?.joinKeys)) {
      const owner = keyOwner.get(key);
      if (owner !== undefined) {
        problems.push({
          field: `entities.${index}`,
          message: `found the join key "${key}" of entity "${entity.config.name}", which entity "${owner}" of this view has too; allowed is each join key once`,
        });
      } else keyOwner.set(key, entity.config.name);
    }
  }
  for (const [field, feature] of featureNames(view)) {
    const owner = keyOwner.get(feature);
    if (owner === undefined) continue;
    problems.push({
      field: `${field}.${feature}`,
      message: `found a feature named like the join key "${feature}" of entity "${owner}"; allowed is another name`,
    });
  }
  const sources = new Set<string>();
  for (const [index, source] of listOf(view.sources).entries()) {
    if (!isDefinition(source) || !isSource(source)) continue;
    const name = source.config?.name;
    if (sources.has(name)) {
      problems.push({ field: `sources.${index}`, message: `found source "${name}" again; allowed is once` });
    }
    sources.add(name);
  }
  return problems;
}

function qualityProblems(view: Config): readonly FieldProblem[] {
  const names = featureNames(view).map(([, feature]) => feature);
  return listOf(view.quality).flatMap((rule, index) => {
    if (rule === null || typeof rule !== 'object') return [];
    const { feature, min, max } = rule as Config;
    const problems: FieldProblem[] = [];
    if (typeof feature === 'string' && !names.includes(feature)) {
      const near = nearest(feature, names);
      problems.push({
        field: `quality.${index}.feature`,
        message: `found "${feature}", which is no feature of this view${near === undefined ? '' : ` (did you mean "${near}"?)`}; allowed are ${names.join(', ')}`,
      });
    }
    if (kindOf(rule) === 'between') {
      if (min === null && max === null) {
        problems.push({ field: `quality.${index}`, message: 'found no bound, allowed is at least one' });
      } else if (typeof min === 'number' && typeof max === 'number' && min > max) {
        problems.push({
          field: `quality.${index}`,
          message: `found the bounds ${min} and ${max}, allowed is a minimum up to the maximum`,
        });
      }
    }
    return problems;
  });
}

function sqlProblems(view: Config): readonly FieldProblem[] {
  const sql = view.sql;
  if (typeof sql !== 'string' || sql.trim() === '' || /\$interval_(start|end)\b/.test(sql)) return [];
  return [
    {
      field: 'sql',
      message:
        'found a query that does not say which interval it computes, allowed is one that uses $interval_start and $interval_end',
    },
  ];
}

/** The features a view declares, with the field that declares them. */
function featureNames(view: Config): readonly (readonly [string, string])[] {
  return ['aggregations', 'features'].flatMap((field) =>
    entriesOf(view[field]).map(([feature]) => [field, feature] as const),
  );
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function kindOf(value: unknown): unknown {
  return value !== null && typeof value === 'object' && 'kind' in value ? value.kind : undefined;
}
