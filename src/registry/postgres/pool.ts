import pg from 'pg';
import { TidemarkError } from '../../core/errors.ts';
import { postgresError } from './postgres-error.ts';

export type PostgresPool = pg.Pool;

/** Runs one statement and returns its rows; a lost connection is STORE_UNAVAILABLE, never a silent retry. */
export type Query = <Row extends pg.QueryResultRow>(
  sql: string,
  values?: readonly unknown[],
) => Promise<readonly Row[]>;

export interface ConnectOptions {
  /** The Postgres schema that holds Tidemark's tables: lower-case letters, digits and underscores. */
  readonly schema?: string;
  readonly maxConnections?: number;
  /** Milliseconds after which the server gives up a statement; 0 for never. */
  readonly statementTimeoutMillis?: number;
  /** Milliseconds to wait for a connection, new or from the pool. */
  readonly connectTimeoutMillis?: number;
  /** Told when an idle connection is lost (a restarted server); the next statement connects again. */
  readonly onConnectionLost?: (error: TidemarkError) => void;
}

const SCHEMA_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

/**
 * A pool on the Postgres at `url`. Connects on first use. Tables are found by the connection's search path, so
 * statements name them without a schema. Needs session pooling when a pooler stands in between.
 */
export function connectPostgres(url: string, options: ConnectOptions = {}): PostgresPool {
  const schema = options.schema ?? 'tidemark';
  if (!SCHEMA_NAME.test(schema)) {
    throw new TidemarkError(
      'CONFIG_INVALID',
      `Cannot use "${schema}" as a Postgres schema: a name has lower-case letters, digits and underscores.`,
    );
  }
  const pool = new pg.Pool({
    connectionString: url,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMillis ?? 10_000,
    application_name: 'tidemark',
    keepAlive: true,
    onConnect: async (client) => {
      // Without a listener, losing a connection in the middle of a transaction would end the process. The
      // statement under way rejects by itself.
      client.on('error', () => {});
      // As a statement and not as start-up options, which poolers refuse. `public` stays out: only our tables.
      await client.query(
        `select set_config('search_path', $1, false), set_config('statement_timeout', $2, false),
                set_config('timezone', 'UTC', false)`,
        [schema, String(options.statementTimeoutMillis ?? 60_000)],
      );
    },
  });
  // The address may hold a password; a logged pool must not show it.
  Object.defineProperty(pool.options, 'connectionString', { value: url, enumerable: false });
  pool.on('error', (error) => options.onConnectionLost?.(unavailable(pool, error)));
  return pool;
}

/** Statements outside of a transaction, each on any connection of the pool. */
export function queryOf(pool: PostgresPool): Query {
  return async <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []) => {
    try {
      return (await pool.query<Row>(sql, [...values])).rows;
    } catch (error) {
      throw postgresError(error, placeOf(pool));
    }
  };
}

/**
 * Runs `work` in one transaction: committed when it resolves, rolled back when it throws. What `work` throws is
 * passed on; only failures of the database itself become STORE_UNAVAILABLE.
 */
export async function transaction<T>(pool: PostgresPool, work: (query: Query) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw postgresError(error, placeOf(pool));
  });
  const query: Query = async <Row extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ) => {
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } catch (error) {
      throw postgresError(error, placeOf(pool));
    }
  };
  let broken: boolean = false;
  try {
    await query('begin');
    const result = await work(query);
    await query('commit');
    return result;
  } catch (error) {
    // A connection that cannot even roll back is not given to anyone else.
    await client.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** STORE_UNAVAILABLE unless the server answers. */
export async function pingPostgres(pool: PostgresPool): Promise<void> {
  await queryOf(pool)('select 1');
}

function unavailable(pool: PostgresPool, error: unknown): TidemarkError {
  const mapped = postgresError(error, placeOf(pool));
  return mapped instanceof TidemarkError
    ? mapped
    : new TidemarkError('STORE_UNAVAILABLE', 'A connection to the registry was lost.', { cause: error });
}

/** `host:port` of the pool's server: never the user, the password or the database. */
function placeOf(pool: PostgresPool): string {
  const text = pool.options.connectionString;
  if (text === undefined || !URL.canParse(text)) return 'unknown address';
  const url = new URL(text);
  const host = url.hostname || url.searchParams.get('host') || 'localhost';
  return `${host}:${url.port || url.searchParams.get('port') || '5432'}`;
}
