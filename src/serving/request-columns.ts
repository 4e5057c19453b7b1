import { type Problem, problemsError, TidemarkError } from '../core/errors.ts';
import type { ExactJson } from '../core/exact-json.ts';
import type { Manifest } from '../core/manifest.ts';
import { didYouMean } from '../core/nearest.ts';
import type { Value, ValueType } from '../core/value-type.ts';
import { allowedJson, jsonDecoder, wrongJson } from './json-decoder.ts';
import type { InputColumn, ReadPlan } from './read-plan.ts';

/**
 * Entities (and request fields) by column: lists of one length, row by row. No columns at all are one row, where a
 * request needs none.
 */
export type RequestColumns = Readonly<Record<string, readonly ExactJson[]>>;

export interface DecodedColumns {
  readonly rows: number;
  /** By position of the plan's inputs. */
  readonly inputs: readonly (readonly Value[])[];
  /** Every key column of the request in its order, for the response. */
  readonly keys: readonly EchoedColumn[];
}

export interface EchoedColumn {
  readonly name: string;
  readonly type: ValueType;
  readonly values: readonly Value[];
}

/** What Feast's client calls the key of a view without keys; some of its reads give it, as empty text. */
const FEAST_DUMMY_KEY = '__dummy_id';

/** More wrong values than this are counted, not listed. */
const LISTED = 20;

/**
 * Checks a request's columns against its plan and types them. REQUEST_INVALID with every problem (column, row,
 * what was found, what is allowed); UNKNOWN_ENTITY when all that is wrong is a column that nobody knows; TOO_LARGE
 * beyond `maxRows`, or `maxValues` (features of rows).
 */
export function decodeColumns(
  plan: ReadPlan,
  columns: RequestColumns,
  limits: { readonly manifest: Manifest; readonly maxRows: number; readonly maxValues: number },
): DecodedColumns {
  const { manifest, maxRows } = limits;
  const names = Object.keys(columns);
  const rows = rowsOf(plan, columns, names);
  if (rows > maxRows) {
    throw new TidemarkError(
      'TOO_LARGE',
      `Cannot read ${rows} entities in one request: the limit is ${maxRows}. Send them in several requests.`,
    );
  }
  refuseValues(rows, plan, limits.maxValues);
  const problems: Problem[] = [...missingColumns(plan, columns)];
  const inputs = plan.inputs.map((input) => decodeColumn(input, own(columns, input.name), problems));
  const keys: EchoedColumn[] = [];
  const unknown: Problem[] = [];
  for (const name of names) {
    const at = plan.inputs.findIndex((input) => input.name === name && input.role === 'key');
    const input = plan.inputs[at];
    if (input !== undefined) keys.push({ name, type: input.type, values: inputs[at] ?? [] });
    else if (!plan.inputs.some((one) => one.name === name)) {
      const extra = knownKey(manifest, name);
      if (extra === undefined) unknown.push(unknownColumn(plan, name));
      else keys.push({ ...extra, values: decodeColumn(extra, own(columns, name), problems) });
    }
  }
  if (problems.length === 0 && unknown.length === 0) return { rows, inputs, keys };
  const all = [...unknown, ...problems];
  const listed = all.slice(0, LISTED);
  if (all.length > LISTED) listed.push({ where: 'entities', message: `and ${all.length - LISTED} more` });
  throw problemsError(
    problems.length === 0 ? 'UNKNOWN_ENTITY' : 'REQUEST_INVALID',
    'Cannot read features for these entities:',
    listed,
  );
}

/** What a request costs, in time and in memory, are the values of its answer: aliases make many of a small body. */
function refuseValues(rows: number, { resolved: { outputs } }: ReadPlan, limit: number): void {
  const values = rows * outputs.length;
  if (values <= limit) return;
  throw new TidemarkError(
    'TOO_LARGE',
    `Cannot read ${count(values)} values in one request (${count(rows)} entities, ${count(outputs.length)} features of each): ` +
      `the limit is ${count(limit)} (TIDEMARK_READ_MAX_VALUES). Send them in several requests.`,
  );
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}

function own(columns: RequestColumns, name: string): readonly ExactJson[] {
  return Object.hasOwn(columns, name) ? (columns[name] ?? []) : [];
}

function rowsOf({ inputs }: ReadPlan, columns: RequestColumns, names: readonly string[]): number {
  if (names.length === 0 && inputs.length === 0) return 1;
  const lengths = names.map((name) => columns[name]?.length ?? 0);
  const [rows = 0] = lengths;
  if (rows === 0 && lengths.every((length) => length === 0)) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      'Cannot read features for no entities: give at least one value for each join key in "entities".',
    );
  }
  if (lengths.some((length) => length !== rows)) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot read features for lists of different lengths: ${names
        .map((name, index) => ({ name, length: lengths[index] }))
        .filter(({ length }, index) => index === 0 || length !== rows)
        .slice(0, LISTED)
        .map(({ name, length }) => `"${name}" has ${length}`)
        .join(', ')}.`,
    );
  }
  return rows;
}

function missingColumns(plan: ReadPlan, columns: RequestColumns): readonly Problem[] {
  return plan.inputs
    .filter(({ name }) => !Object.hasOwn(columns, name))
    .map(({ name, type, role, neededBy }) => ({
      where: `entities.${name}`,
      message:
        `the ${role === 'key' ? 'join key' : 'request field'} is missing; ` +
        `${neededBy.map((view) => `"${view}"`).join(' and ')} need${neededBy.length === 1 ? 's' : ''} it, ${allowedJson(type)}.`,
    }));
}

function decodeColumn(
  { name, type, role, decode }: Pick<InputColumn, 'name' | 'type' | 'role' | 'decode'>,
  column: readonly ExactJson[],
  problems: Problem[],
): readonly Value[] {
  return column.map((json, row) => {
    const value = decode(json);
    if (value === undefined || (value === null && role === 'request')) {
      problems.push({
        where: `entities.${name}[${row}]`,
        message: wrongJson(json, type),
      });
      return null;
    }
    return value;
  });
}

/** A join key of the project that this request does not need: Feast's clients send all they have. */
function knownKey({ entities }: Manifest, name: string) {
  const keys = entities.flatMap(({ joinKeys }) => joinKeys);
  const type = name === FEAST_DUMMY_KEY ? 'string' : keys.find((one) => one.name === name)?.type;
  return type && ({ name, type, role: 'key', decode: jsonDecoder(type) } as const);
}

function unknownColumn(plan: ReadPlan, name: string): Problem {
  const known = [...new Set(plan.inputs.map((input) => input.name))];
  const hint =
    didYouMean(name, known) || ` The request needs ${known.map((one) => `"${one}"`).join(', ') || 'none'}.`;
  return { where: `entities.${name}`, message: `no entity has a join key of that name.${hint}` };
}
