import type { DuckDBConnection } from '@duckdb/node-api';
import pg from 'pg';
import { messageOf, TidemarkError } from '../../../core/errors.ts';
import { parseTableName } from '../../../core/table-name.ts';
import { formatTime, type Micros, micros } from '../../../core/time.ts';
import type { SourceExtent } from '../../source-reader.ts';
import { failureKind } from '../duckdb-failure.ts';
import { identifier, stringLiteral } from '../sql-text.ts';
import type { OpenRange } from './hive-partitions.ts';
import { repeatedNames } from './own-names.ts';
import { type PostgresColumn, type TransportedColumn, transported } from './postgres-columns.ts';
import { copyIntoTable } from './postgres-copy.ts';
import { redactAddress } from './redact-address.ts';
import type { RemoteAccess } from './remote-access.ts';
import type { EngineColumn } from './source-scan.ts';
import { atPlace } from './syntax-error.ts';

/** Rows in Postgres: of a source, or a spine. */
export interface PostgresRows {
  /** `source "events"`: how errors begin. */
  readonly what: string;
  readonly urlEnv: string;
  readonly table: string | null;
  readonly query: string | null;
  /** The column that a range of time is asked of. */
  readonly timestampField: string;
  /** The error of a relation whose columns' names are such that DuckDB would give it others. */
  readonly refused: (reason: string) => TidemarkError;
}

export interface OpenPostgres {
  readonly relation: string;
  /** Those without a type in Tidemark are told, but not sent. */
  readonly columns: readonly EngineColumn[];
}

const CONNECT_MS = 10_000;

/** The columns, and a relation without rows. */
export function describePostgres(
  rows: PostgresRows,
  remote: RemoteAccess | undefined,
): Promise<OpenPostgres> {
  return withClient(rows, remote, async (client) => {
    const columns = await columnsOf(client, rows);
    const select = sentColumns(columns).map(
      ({ name, engineType }) => `CAST(NULL AS ${engineType}) AS ${identifier(name)}`,
    );
    return {
      relation: `(SELECT ${select.join(', ')} WHERE false)`,
      columns: columns.map(({ described }) => described),
    };
  });
}

/** Rows of the range, through DuckDB's extension when it can be loaded, else copied into a temporary table. */
export function openPostgres(
  connection: DuckDBConnection,
  rows: PostgresRows,
  remote: RemoteAccess | undefined,
  range: OpenRange = {},
): Promise<OpenPostgres> {
  return withClient(rows, remote, async (client, url, access) => {
    const columns = await columnsOf(client, rows);
    const sent = sentColumns(columns);
    const described = columns.map((column) => column.described);
    const query = `SELECT ${sent.map((column) => `${column.sent} AS ${identifier(column.name)}`).join(', ')} ${fromSql(rows, sent, range)}`;
    if (!(await access.load(connection, 'postgres_scanner')).ok) {
      return { relation: await copyIntoTable(connection, client, query, sent), columns: described };
    }
    const database = `tidemark_${rows.urlEnv}`;
    await connection.run(
      `ATTACH IF NOT EXISTS ${stringLiteral(url)} AS ${identifier(database)} (TYPE postgres, READ_ONLY)`,
    );
    const values = sent.map(({ name, fromValue }) => `${fromValue} AS ${identifier(name)}`);
    return {
      relation: `(SELECT ${values.join(', ')} FROM postgres_query(${stringLiteral(database)}, ${stringLiteral(query)}))`,
      columns: described,
    };
  });
}

/** Counted by Postgres; bytes are rows times the width that its planner expects. */
export function postgresExtent(
  rows: PostgresRows,
  remote: RemoteAccess | undefined,
  range: OpenRange,
): Promise<SourceExtent> {
  return withClient(rows, remote, async (client) => {
    const from = fromSql(rows, sentColumns(await columnsOf(client, rows)), range);
    const time = identifier(rows.timestampField);
    const at = (fn: string) => `(extract(epoch FROM ${fn}(${time})) * 1000000)::int8::text`;
    const counted = await client.query({
      text: `SELECT count(*)::text, ${at('min')}, ${at('max')} ${from}`,
      rowMode: 'array',
    });
    const [count, first, last] = counted.rows[0] ?? [];
    if (Number(count) === 0 || typeof first !== 'string' || typeof last !== 'string')
      return { rows: 0, bytes: 0 };
    const explained = await client.query<{ 'QUERY PLAN': readonly { Plan?: { 'Plan Width'?: number } }[] }>(
      `EXPLAIN (FORMAT JSON) SELECT * ${from}`,
    );
    const width = explained.rows[0]?.['QUERY PLAN'][0]?.Plan?.['Plan Width'] ?? 0;
    return {
      rows: Number(count),
      bytes: Number(count) * width,
      first: micros(BigInt(first)),
      last: micros(BigInt(last)),
    };
  });
}

interface FoundColumn {
  readonly described: EngineColumn;
  readonly sent: TransportedColumn | null;
}

async function columnsOf(client: pg.Client, rows: PostgresRows): Promise<readonly FoundColumn[]> {
  const { fields } = await client
    .query(`${OPENING}${relationOf(rows)} LIMIT 0`)
    .catch((error) => Promise.reject(placed(error, rows)));
  const problem = repeatedNames(fields.map(({ name }) => name));
  if (problem !== null) throw rows.refused(problem);
  const oids = [...new Set(fields.map(({ dataTypeID }) => dataTypeID))];
  const types = await client.query<{
    oid: number;
    name: string;
    kind: string;
    element: number | null;
    element_kind: string | null;
  }>(
    `SELECT t.oid::int8::int4 AS oid, format_type(t.oid, NULL) AS name, t.typtype::text AS kind,
            CASE WHEN t.typcategory = 'A' THEN t.typelem::int8::int4 END AS element, e.typtype::text AS element_kind
     FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem WHERE t.oid = ANY($1::oid[])`,
    [oids],
  );
  return fields.map((found): FoundColumn => {
    const type = types.rows.find(({ oid }) => oid === found.dataTypeID);
    const column: PostgresColumn = {
      name: found.name,
      oid: found.dataTypeID,
      modifier: found.dataTypeModifier,
      typeName: type?.name ?? 'unknown',
      kind: type?.kind ?? '',
      element: type?.element == null ? null : { oid: type.element, kind: type.element_kind ?? '' },
    };
    const sent = transported(column);
    return { described: sent ?? { name: column.name, engineType: column.typeName }, sent };
  });
}

function sentColumns(columns: readonly FoundColumn[]): readonly TransportedColumn[] {
  return columns.flatMap(({ sent }) => sent ?? []);
}

/** `FROM … WHERE` the range: Postgres filters, so that only those rows are sent. */
function fromSql(rows: PostgresRows, columns: readonly TransportedColumn[], { from, to }: OpenRange): string {
  const time = columns.find(({ name }) => name === rows.timestampField);
  const bounds: string[] = [];
  const bound = (sign: '>=' | '<', at: Micros | undefined) => {
    if (at === undefined || time === undefined || time.timeType === null) return;
    const text = stringLiteral(
      time.timeType === 'timestamptz' ? formatTime(at) : formatTime(at).replace('Z', ''),
    );
    bounds.push(`${identifier(time.name)} ${sign} ${text}::${time.timeType}`);
  };
  bound('>=', from);
  bound('<', to);
  return `FROM ${relationOf(rows)}${bounds.length === 0 ? '' : ` WHERE ${bounds.join(' AND ')}`}`;
}

const OPENING = 'SELECT * FROM ';

/** What Postgres says of the user's query, with the place in it. */
function placed(error: unknown, { query }: PostgresRows): unknown {
  if (!(error instanceof pg.DatabaseError) || error.position === undefined || query === null) return error;
  // Postgres counts from 1, and `relationOf` puts a parenthesis and a line break before the query.
  error.message = atPlace(error.message, query, Number(error.position) - 1 - OPENING.length - 2);
  return error;
}

function relationOf({ table, query }: PostgresRows): string {
  // On lines of its own, so that a comment at its end ends there.
  if (query !== null) return `(\n${query.replace(/;\s*$/, '')}\n) AS source`;
  const name = parseTableName(table ?? '');
  if (name.ok) return name.parts.map(identifier).join('.');
  throw new TidemarkError(
    'DEFINITION_INVALID',
    `Cannot read the table ${table} in Postgres: ${name.reason}.`,
  );
}

/** SOURCE_UNREADABLE with the server's own sentence; never the address. */
async function withClient<T>(
  rows: PostgresRows,
  remote: RemoteAccess | undefined,
  use: (client: pg.Client, url: string, access: RemoteAccess) => Promise<T>,
): Promise<T> {
  const url = remote?.variable(rows.urlEnv);
  const where = `Cannot read ${rows.what} in Postgres at $${rows.urlEnv}`;
  if (remote === undefined || url === undefined || url === '') {
    throw new TidemarkError(
      'SOURCE_UNREADABLE',
      `${where}: that environment variable is not set; it must hold the address.`,
      { lasting: true },
    );
  }
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new TidemarkError(
      'SOURCE_UNREADABLE',
      `${where}: that environment variable holds no address that starts with postgres://.`,
      { lasting: true },
    );
  }
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'tidemark',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(
      `SELECT set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO', false), set_config('bytea_output', 'hex', false),
              set_config('extra_float_digits', '1', false), set_config('default_transaction_read_only', 'on', false)`,
    );
    return await use(client, url, remote);
  } catch (error) {
    const kind = failureKind(error);
    if (error instanceof TidemarkError || kind === 'interrupted' || kind === 'memory') throw error;
    // Without the cause: it may hold the address.
    throw new TidemarkError('SOURCE_UNREADABLE', `${where}: ${withoutSecrets(messageOf(error), url)}.`, {
      lasting: isRefusal(error),
    });
  } finally {
    await client.end().catch(() => {});
  }
}

/** SQLSTATE classes of what passes: connections, conflicts, resources, a server that stops or starts, its disk. */
const PASSING = /^(08|40|53|55|57|58|72|XX)/;

/** Whether the server has answered that it cannot be done: a table that is not there, a password that is wrong. */
function isRefusal(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code !== undefined && !PASSING.test(error.code);
}

function withoutSecrets(message: string, url: string): string {
  const [first = ''] = message.split('\n');
  const { password } = new URL(url);
  return [url, password, decodeURIComponent(password)]
    .filter((secret) => secret !== '')
    .reduce((text, secret) => text.replaceAll(secret, '…'), redactAddress(first).replace(/\.$/, ''));
}
