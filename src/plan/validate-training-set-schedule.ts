import { z } from 'zod';
import { parseFeatureReference } from '../core/feature-service.ts';
import { parseSplit, SPLIT_FORMS } from '../core/split-text.ts';
import { TABLE_FORMATS } from '../core/table-format.ts';
import { parseTime } from '../core/time.ts';
import { isDefinition } from '../define/definition.ts';
import * as field from './field-schemas.ts';
import type { FieldProblem } from './finding.ts';
import type { Inventory } from './inventory.ts';
import { definition, isViewSelection } from './object-schemas.ts';
import { problemsOf } from './schema-problems.ts';
import { memberProblems } from './validate-references.ts';

type Config = Readonly<Record<string, unknown>>;

const KNOWN_AT = 'any, row, tick or an ISO 8601 time such as 2026-01-01T00:00:00Z';
const ROWS = 'a whole number of at least 1';

const common = {
  name: field.name,
  schedule: field.cron,
  dataDelay: field.duration.optional(),
  // Checked by schemas of their own, so that one mistake does not hide another.
  spine: z.unknown().optional(),
  label: z.unknown().optional(),
  aliases: z.unknown().optional(),
  knownAt: z
    .string(KNOWN_AT)
    .refine((text) => ['any', 'row', 'tick'].includes(text) || parseTime(text) !== undefined, KNOWN_AT)
    .optional(),
  fullNames: field.flag.optional(),
  split: z
    .string(SPLIT_FORMS)
    .superRefine((text, ctx) => {
      const parsed = parseSplit(text);
      if (!parsed.ok) ctx.addIssue({ code: 'custom', message: parsed.reason.replace(/^allowed are /, '') });
    })
    .optional(),
  format: z.enum(TABLE_FORMATS, `one of ${TABLE_FORMATS.join(', ')}`).optional(),
  rowsPerFile: z.int(ROWS).min(1, ROWS).optional(),
  statistics: field.flag.optional(),
  paused: field.flag.optional(),
  ...field.metadata,
};

const FEATURE = 'a feature view, some of its features by pick(), or text such as view:feature';
const SERVICE = 'a feature service made by featureService()';
const feature = z.custom(
  (value) =>
    (typeof value === 'string' && parseFeatureReference(value) !== undefined) ||
    isViewSelection(value) ||
    (isDefinition(value) && (value.kind === 'batch_view' || value.kind === 'on_demand_view')),
  FEATURE,
);

const schemas = {
  service: field.fields({ ...common, service: definition('feature_service', SERVICE) }),
  features: field.fields({
    ...common,
    features: z.array(feature, 'a list of features').min(1, 'a list of at least one feature'),
  }),
  undecided: z.looseObject(common),
};

const spine = { timestampField: field.columnName };
const spineSchemas = {
  parquet: field.fields({ parquet: field.filePath, ...spine }),
  csv: field.fields({ csv: field.filePath, ...spine }),
  json: field.fields({ json: field.filePath, ...spine }),
  query: field.fields({ query: field.text, urlEnv: field.variableName.optional(), ...spine }),
  last: field.fields({ last: field.positiveDuration, ...spine }),
};
const SPINE_FORMS = ['parquet', 'csv', 'json', 'query', 'last'] as const;

const VIEW = 'a batch view, or its name';
const batchView = z.custom(
  (value) => field.name.safeParse(value).success || (isDefinition(value) && value.kind === 'batch_view'),
  VIEW,
);
const labelSchemas = {
  column: field.fields({ column: field.columnName }),
  view: field.fields({
    view: batchView,
    feature: field.name,
    horizon: field.positiveDuration,
  }),
};

const PREFIX = 'letters, digits and underscores that do not begin with a digit, such as origin_';
const COLUMNS = 'an object of columns of the entity rows by join key';
const aliasSchema = field.fields({
  view: batchView,
  prefix: z.string(PREFIX).regex(/^[A-Za-z_][A-Za-z0-9_]*$/, PREFIX),
  keys: z.record(z.string(), field.columnName, COLUMNS).optional(),
});

/** Everything wrong with a scheduled training set on its own: what it reads must be exported by the repository. */
export function trainingSetScheduleProblems(config: unknown, inventory: Inventory): readonly FieldProblem[] {
  if (!isRecord(config)) return problemsOf(schemas.features, config);
  const forms = (['service', 'features'] as const).filter((form) => config[form] !== undefined);
  const [form] = forms;
  const problems = [...problemsOf(schemas[forms.length === 1 && form ? form : 'undecided'], config)];
  if (forms.length !== 1) {
    const found = forms.length === 0 ? 'neither service nor features' : 'service and features';
    problems.push({ field: 'config', message: `found ${found}, allowed is exactly one of the two` });
  }
  return [
    ...problems,
    ...spineProblems(config.spine),
    ...labelProblems(config.label, inventory),
    ...aliasProblems(config.aliases, inventory),
    ...readingProblems(config, inventory),
  ];
}

/** Which of its forms a spine has; undefined when it is none or several. */
export function spineFormOf(given: object): (typeof SPINE_FORMS)[number] | undefined {
  const [form, ...others] = SPINE_FORMS.filter((key) => (given as Config)[key] !== undefined);
  return others.length > 0 ? undefined : form;
}

function spineProblems(given: unknown): readonly FieldProblem[] {
  const allowed = `exactly one of ${SPINE_FORMS.join(', ')}`;
  if (!isRecord(given)) {
    return problemsOf(
      z.custom(() => false, `an object with ${allowed}, and timestampField`),
      given,
      ['spine'],
    );
  }
  const form = spineFormOf(given);
  if (form !== undefined) return problemsOf(spineSchemas[form], given, ['spine']);
  const found = SPINE_FORMS.filter((key) => given[key] !== undefined);
  return [
    {
      field: 'spine',
      message: `found ${found.length === 0 ? 'none' : found.join(' and ')}, allowed is ${allowed}`,
    },
  ];
}

function labelProblems(given: unknown, inventory: Inventory): readonly FieldProblem[] {
  if (given === undefined) return [];
  const schema = isRecord(given) && given.column !== undefined ? labelSchemas.column : labelSchemas.view;
  const problems = problemsOf(schema, given, ['label']);
  return isRecord(given) ? [...problems, ...memberProblems(given.view, 'label.view', inventory)] : problems;
}

function aliasProblems(given: unknown, inventory: Inventory): readonly FieldProblem[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) return problemsOf(z.array(z.unknown(), 'a list of aliases'), given, ['aliases']);
  return given.flatMap((alias: unknown, index) => [
    ...problemsOf(aliasSchema, alias, ['aliases', `${index}`]),
    ...(isRecord(alias) ? memberProblems(alias.view, `aliases.${index}.view`, inventory) : []),
  ]);
}

function readingProblems({ service, features }: Config, inventory: Inventory): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (isDefinition(service) && service.kind === 'feature_service') {
    if (!inventory.services.some(({ definition: known }) => known === service)) {
      problems.push({
        field: 'service',
        message: `found service "${service.config?.name}", which no file of this repository exports; allowed are exported services`,
      });
    }
  }
  const members: readonly unknown[] = Array.isArray(features) ? features : [];
  for (const [index, member] of members.entries()) {
    problems.push(...memberProblems(member, `features.${index}`, inventory));
  }
  return problems;
}

function isRecord(value: unknown): value is Config {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
