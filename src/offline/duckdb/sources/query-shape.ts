import { type DuckDBConnection, DuckDBTimestampValue } from '@duckdb/node-api';
import { digestOf } from '../../../core/canonical.ts';
import { TidemarkError } from '../../../core/errors.ts';
import type { Interval } from '../../../core/interval.ts';
import { stringLiteral } from '../sql-text.ts';
import { DEFAULT_FOR_NAME, syntaxReason } from './syntax-error.ts';

/** A SQL view's query, parsed. */
export interface QueryShape {
  /** The query as DuckDB prints it: no comments, no closing semicolon, fit to stand in parentheses. */
  readonly text: string;
  /** SHA-256 of the parsed form: equal for queries that differ in spaces and comments only. */
  readonly digest: string;
  /** Which of `interval_start` and `interval_end` it uses. */
  readonly parameters: readonly string[];
}

const PARAMETERS = ['interval_start', 'interval_end'] as const;

/**
 * Parses a query and checks what a view's query may be: one SELECT, over its sources by name (and its own CTEs),
 * with no parameters but the interval's. QUERY_INVALID says what it found; `columnsOf` then gives the names of the
 * sources' columns.
 */
export async function parseQuery(
  connection: DuckDBConnection,
  query: string,
  sources: readonly string[],
  columnsOf: () => Promise<readonly string[]> = async () => [],
): Promise<QueryShape> {
  const parsed = await serialize(connection, query, columnsOf);
  const statements = Array.isArray(parsed.statements) ? parsed.statements : [];
  if (statements.length !== 1) throw invalid(`it must be one SELECT statement, and has ${statements.length}`);

  const tables = new Set<string>();
  const ctes = new Set<string>();
  const parameters = new Set<string>();
  for (const node of walk(statements[0])) {
    if (node.type === 'TABLE_FUNCTION') tables.add(`${functionName(node)}()`);
    if (node.type === 'BASE_TABLE') tables.add(String(node.table_name));
    if (isDefault(node)) throw invalid(DEFAULT_FOR_NAME);
    if (node.type === 'VALUE_PARAMETER') parameters.add(String(node.identifier));
    const map = isRecord(node.cte_map) ? node.cte_map.map : undefined;
    if (Array.isArray(map)) for (const entry of map) if (isRecord(entry)) ctes.add(String(entry.key));
  }
  const known = new Set([...sources, ...ctes].map((name) => name.toLowerCase()));
  for (const table of tables) {
    if (PURE_TABLE_FUNCTIONS.has(table) || known.has(table.toLowerCase())) continue;
    throw invalid(`it reads ${table}, and may read ${sources.join(', ') || 'no source'} only`);
  }
  for (const name of parameters) {
    if (PARAMETERS.some((parameter) => parameter === name)) continue;
    throw invalid(`it has the parameter $${name}; there are $interval_start and $interval_end`);
  }
  const [row] = (
    await connection.runAndReadAll(`SELECT json_deserialize_sql(json_serialize_sql(${stringLiteral(query)}))`)
  ).getRows();
  return {
    text: String(row?.[0]),
    digest: digestOf(withoutPlaces(statements[0])),
    parameters: [...parameters],
  };
}

const PURE_TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['range()', 'generate_series()', 'unnest()']);

/** The values of a query's parameters, as `connection.run` takes them. */
export function intervalParameters(
  { parameters }: QueryShape,
  { start, end }: Interval,
): Record<string, DuckDBTimestampValue> {
  const values: Record<string, DuckDBTimestampValue> = {};
  if (parameters.includes('interval_start')) values.interval_start = new DuckDBTimestampValue(start);
  if (parameters.includes('interval_end')) values.interval_end = new DuckDBTimestampValue(end);
  return values;
}

async function serialize(
  connection: DuckDBConnection,
  query: string,
  columnsOf: () => Promise<readonly string[]>,
): Promise<Json> {
  const [row] = (
    await connection.runAndReadAll(`SELECT json_serialize_sql(${stringLiteral(query)})`)
  ).getRows();
  const parsed: unknown = JSON.parse(String(row?.[0]));
  if (!isRecord(parsed)) throw invalid('it cannot be parsed');
  if (parsed.error === true) {
    const said = String(parsed.error_message);
    if (said.startsWith('Only SELECT')) throw invalid('it is not a SELECT');
    throw invalid(await syntaxReason(connection, query, { said, at: placeOf(parsed.position) }, columnsOf));
  }
  return parsed;
}

/** `json_serialize_sql` gives it as text. */
export function placeOf(position: unknown): number | undefined {
  return position === undefined ? undefined : Number(position);
}

type Json = { readonly [key: string]: unknown };

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function* walk(value: unknown): Generator<Json> {
  if (Array.isArray(value)) {
    for (const item of value) yield* walk(item);
  } else if (isRecord(value)) {
    yield value;
    for (const item of Object.values(value)) yield* walk(item);
  }
}

/** Whether a parsed query, or a part of one, has the word DEFAULT without quotes. */
export function hasDefault(parsed: unknown): boolean {
  for (const node of walk(parsed)) if (isDefault(node)) return true;
  return false;
}

function isDefault({ type }: Json): boolean {
  return type === 'VALUE_DEFAULT';
}

function functionName(node: Json): string {
  return isRecord(node.function) ? String(node.function.function_name) : 'a table function';
}

/** Where in the text a part stood is not part of what it means. */
function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'query_location')
      .map(([key, inner]) => [key, withoutPlaces(inner)]),
  );
}

function invalid(reason: string): TidemarkError {
  return new TidemarkError('QUERY_INVALID', `Cannot use the query: ${reason}.`);
}
