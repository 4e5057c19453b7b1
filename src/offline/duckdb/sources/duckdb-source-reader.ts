import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import type { SourceSpec } from '../../../core/source.ts';
import { micros } from '../../../core/time.ts';
import type { SourceColumn, SourceReader } from '../../source-reader.ts';
import { duckDbReason, failureKind } from '../duckdb-failure.ts';
import type { DuckDbEngine } from '../engine.ts';
import { identifier, stringLiteral } from '../sql-text.ts';
import { valueTypeOfDuckDb } from '../types.ts';
import { measureFiles } from './measure-files.ts';
import {
  inspectSource,
  openShape,
  openSource,
  postgresRows,
  type SourcePlace,
  sourceFailure,
} from './open-source.ts';
import { postgresExtent } from './postgres-source.ts';
import { hasDefault, intervalParameters, parseQuery, placeOf } from './query-shape.ts';
import { describeSelect, type EngineColumn, requireColumn } from './source-scan.ts';
import { DEFAULT_FOR_NAME, syntaxReason } from './syntax-error.ts';

/** Looks at sources with DuckDB. */
export function createDuckDbSourceReader(engine: DuckDbEngine, place: SourcePlace): SourceReader {
  return {
    describe(source) {
      return engine.withConnection(async (connection) => ({
        columns: (await inspectSource(connection, source, place)).map(sourceColumn),
      }));
    },

    describeQuery(query, sources) {
      return engine.withConnection(async (connection) => {
        const shape = await parseQuery(
          connection,
          query,
          sources.map(({ name }) => name),
          () => columnNames(connection, namedIn(query, sources), place),
        );
        for (const source of namedIn(query, sources)) {
          await createSourceView(connection, source, place, openShape);
        }
        try {
          // A table of no rows: only a bound statement tells its types, and DESCRIBE takes no parameters.
          await connection.run(
            `CREATE TEMP TABLE __described AS SELECT * FROM (${shape.text}) LIMIT 0`,
            intervalParameters(shape, { start: micros(0n), end: micros(1n) }),
          );
        } catch (error) {
          throw queryFailure(error);
        }
        const columns = await describeSelect(connection, 'SELECT * FROM __described');
        return { columns: columns.map(sourceColumn), digest: shape.digest };
      });
    },

    describeExpression(expression, source) {
      return engine.withConnection(async (connection) => {
        const { relation, columns } = await openShape(connection, source, place);
        const names = columns.map(({ name }) => name);
        await requireExpression(connection, expression, names);
        try {
          const [column] = await describeSelect(connection, `SELECT (${expression}\n) FROM ${relation}`);
          return column === undefined ? null : valueTypeOfDuckDb(column.engineType);
        } catch (error) {
          throw expressionFailure(expression, error);
        }
      });
    },

    extent(source, range) {
      return engine.withConnection(async (connection) => {
        if (source.kind === 'postgres') {
          const { columns } = await openShape(connection, source, place);
          requireColumn(columns, source.timestampField, { of: `source "${source.name}"`, time: true });
          return postgresExtent(postgresRows(source), place.remote, { from: range?.start, to: range?.end });
        }
        const opened = await openSource(connection, source, place, { from: range?.start, to: range?.end });
        const time = requireColumn(opened.columns, source.timestampField, {
          of: `source "${source.name}"`,
          time: true,
        });
        try {
          return await measureFiles(connection, source, opened, time, range);
        } catch (error) {
          throw sourceFailure(error, source, place) ?? error;
        }
      });
    },
  };
}

/** Those that a query can read: a table of a database is not copied for a query that does not name it. */
export function namedIn(query: string, sources: readonly SourceSpec[]): readonly SourceSpec[] {
  const text = query.toLowerCase();
  return sources.filter(({ name }) => text.includes(name.toLowerCase()));
}

/** The source under its name, for queries of SQL views; returns its columns. */
export async function createSourceView(
  connection: DuckDBConnection,
  source: SourceSpec,
  place: SourcePlace,
  open: typeof openShape = openSource,
): Promise<readonly EngineColumn[]> {
  const { relation, columns } = await open(connection, source, place);
  await connection.run(`CREATE OR REPLACE TEMP VIEW ${identifier(source.name)} AS SELECT * FROM ${relation}`);
  return columns;
}

/** The names of the columns of sources, for what is told of a query that cannot be read. */
export async function columnNames(
  connection: DuckDBConnection,
  sources: readonly SourceSpec[],
  place: SourcePlace,
): Promise<readonly string[]> {
  const names: string[] = [];
  for (const source of sources) {
    const { columns } = await openShape(connection, source, place);
    names.push(...columns.map(({ name }) => name));
  }
  return names;
}

/** What is wrong with a query, when it is the query: QUERY_INVALID. `query` is what it is called. */
export function queryFailure(error: unknown, query = 'the query'): unknown {
  const kind = failureKind(error);
  if (error instanceof TidemarkError || kind === 'interrupted' || kind === 'memory') return error;
  return new TidemarkError('QUERY_INVALID', `Cannot use ${query}: ${duckDbReason(error)}.`, {
    cause: error,
  });
}

function sourceColumn({ name, engineType }: EngineColumn): SourceColumn {
  return { name, type: valueTypeOfDuckDb(engineType), engineType };
}

/** One expression, not two and not a way out of its parentheses. */
async function requireExpression(
  connection: DuckDBConnection,
  expression: string,
  columns: readonly string[],
): Promise<void> {
  const opening = 'SELECT (';
  const select = `${opening}${expression}\n)`;
  const [row] = (
    await connection.runAndReadAll(`SELECT json_serialize_sql(${stringLiteral(select)})`)
  ).getRows();
  const parsed: {
    error?: boolean;
    error_message?: string;
    position?: string;
    statements?: { node?: { type?: string; select_list?: unknown[]; from_table?: { type?: string } } }[];
  } = JSON.parse(String(row?.[0]));
  if (parsed.error === true) {
    const at = placeOf(parsed.position);
    const problem = { said: parsed.error_message ?? '', at: at === undefined ? at : at - opening.length };
    throw expressionInvalid(
      expression,
      await syntaxReason(connection, expression, problem, async () => columns),
    );
  }
  if (hasDefault(parsed.statements)) throw expressionInvalid(expression, DEFAULT_FOR_NAME);
  const [statement, ...more] = parsed.statements ?? [];
  const node = statement?.node;
  if (
    more.length > 0 ||
    node?.type !== 'SELECT_NODE' ||
    node.select_list?.length !== 1 ||
    node.from_table?.type !== 'EMPTY'
  ) {
    throw expressionInvalid(expression, 'it is not one SQL expression');
  }
}

function expressionFailure(expression: string, error: unknown): unknown {
  return error instanceof TidemarkError ? error : expressionInvalid(expression, duckDbReason(error));
}

function expressionInvalid(expression: string, reason: string): TidemarkError {
  return new TidemarkError('QUERY_INVALID', `Cannot use the expression "${expression}": ${reason}.`);
}
