import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type pg from 'pg';
import { identifier, stringLiteral } from '../sql-text.ts';
import type { TransportedColumn } from './postgres-columns.ts';

/**
 * Streams a query's rows into a temporary table of the connection and returns its name. They pass through a file in
 * DuckDB's folder for spilled data, so that memory is bounded by its setting.
 */
export async function copyIntoTable(
  connection: DuckDBConnection,
  client: pg.Client,
  query: string,
  columns: readonly TransportedColumn[],
): Promise<string> {
  const [row] = (await connection.runAndReadAll(`SELECT current_setting('temp_directory')`)).getRows();
  const folder = String(row?.[0]);
  await mkdir(folder, { recursive: true });
  const id = randomUUID();
  const file = join(folder, `postgres-${id}.csv`);
  const table = identifier(`__postgres_${id}`);
  try {
    const longest = await copyToFile(client, query, file);
    const types = columns.map(({ name }) => `${stringLiteral(name)}: 'VARCHAR'`);
    const values = columns.map(({ name, fromText }) => `${fromText} AS ${identifier(name)}`);
    await connection.run(
      `CREATE TEMP TABLE ${table} AS SELECT ${values.join(', ')} FROM read_csv(${stringLiteral(file)}, ` +
        `columns = {${types.join(', ')}}, auto_detect = false, header = false, delim = ',', quote = '"', escape = '"', ` +
        `nullstr = '', allow_quoted_nulls = false, new_line = '\\n', parallel = false, max_line_size = ${Math.max(DEFAULT_LINE, longest + 1)})`,
    );
  } finally {
    await rm(file, { force: true });
  }
  return table;
}

/** Bytes; DuckDB holds some lines of this size in memory. */
const DEFAULT_LINE = 2_097_152;

/** Returns the length of the longest line in bytes. */
async function copyToFile(client: pg.Client, query: string, file: string): Promise<number> {
  let longest = 0;
  const output = createWriteStream(file, { mode: 0o600 });
  try {
    await new Promise<void>((resolve, reject) => {
      output.on('error', reject);
      client.on('error', reject);
      // Every value is quoted and no null is: an empty text is told from a null.
      const text = `COPY (${query}) TO STDOUT (FORMAT csv, FORCE_QUOTE *, ENCODING 'UTF8')`;
      const onLine = (bytes: number) => {
        longest = Math.max(longest, bytes);
      };
      client.query(copyOut(text, output, { onLine, done: resolve, failed: reject }));
    });
  } finally {
    output.end();
    await finished(output).catch(() => {});
  }
  return longest;
}

interface PostgresSocket {
  query(text: string): void;
  readonly stream: { pause(): void; resume(): void };
}

/** What the driver hands messages to while COPY runs; it waits when the file is slower than the server. */
function copyOut(
  text: string,
  output: NodeJS.WritableStream,
  {
    onLine,
    done,
    failed,
  }: {
    readonly onLine: (bytes: number) => void;
    readonly done: () => void;
    readonly failed: (error: Error) => void;
  },
): pg.Submittable {
  const ignored = () => {};
  // Lines that had arrived still come after the pause.
  let waiting = false;
  const query = {
    submit: (socket: PostgresSocket) => socket.query(text),
    handleCopyData({ chunk }: { readonly chunk: Buffer }, socket: PostgresSocket) {
      // Postgres sends each line as a message.
      onLine(chunk.length);
      // The chunk is a view of the driver's buffer, which is used again.
      if (output.write(Buffer.from(chunk)) || waiting) return;
      waiting = true;
      socket.stream.pause();
      output.once('drain', () => {
        waiting = false;
        socket.stream.resume();
      });
    },
    handleError: failed,
    handleReadyForQuery: done,
    handleCommandComplete: ignored,
    handleRowDescription: ignored,
    handleDataRow: ignored,
    handlePortalSuspended: ignored,
    handleEmptyQuery: ignored,
    handleCopyInResponse: ignored,
  };
  return query as unknown as pg.Submittable;
}
