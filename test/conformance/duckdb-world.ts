import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Value } from '../../src/core/value-type.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { noteRecency } from '../../src/offline/duckdb/file-recency.ts';
import { identifier, stringLiteral } from '../../src/offline/duckdb/sql-text.ts';
import { duckDbType, toValue, valueTypeOfDuckDb } from '../../src/offline/duckdb/types.ts';
import { CREATED_TIME, EVENT_TIME, INTERVAL_END, VALID_TO } from '../../src/offline/offline-columns.ts';
import type { AsOfWorld } from './as-of-engine.ts';

export interface DuckDbWorld extends AsOfWorld {
  readonly folder: string;
  readonly db: DuckDbEngine;
  run(sql: string): Promise<readonly (readonly unknown[])[]>;
  close(): Promise<void>;
}

/** A DuckDB as-of engine on a folder of its own. */
export async function createDuckDbWorld(): Promise<DuckDbWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-as-of-'));
  const db = await createDuckDb({ memory: '500MB', threads: 2, tempDir: join(folder, 'spill') });
  const offlineRoot = join(folder, 'offline');
  await mkdir(offlineRoot);
  const run = (sql: string) =>
    db.withConnection(async (connection) => (await connection.runAndReadAll(sql)).getRows());

  async function writeTable(
    path: string,
    columns: readonly (readonly [name: string, type: string])[],
    rows: readonly (readonly Value[])[],
    order = '',
  ): Promise<void> {
    const casts = columns.map(([name, type], at) => `CAST(v${at} AS ${type}) AS ${identifier(name)}`);
    const nothing = `(SELECT ${columns.map((_, at) => `NULL AS v${at}`).join(', ')} LIMIT 0)`;
    const values =
      rows.length === 0
        ? nothing
        : `(VALUES ${rows.map((row) => `(${row.map((value, at) => literal(value, columns[at]?.[1] ?? '')).join(', ')})`).join(', ')}) AS t(${columns.map((_, at) => `v${at}`).join(', ')})`;
    await run(
      `COPY (SELECT ${casts.join(', ')} FROM ${values}${order}) TO ${stringLiteral(path)} (FORMAT parquet)`,
    );
  }

  return {
    folder,
    db,
    run,
    engine: createDuckDbAsOfEngine(db, { offlineRoot, baseDir: folder }),
    inParts: createDuckDbAsOfEngine(db, { offlineRoot, baseDir: folder, rowsPerPart: 8 }),
    async writeFeatures({ joinKeys, features, validity = false, recencyIsTold = true }, rows) {
      const path = `${randomUUID()}.parquet`;
      await writeTable(
        join(offlineRoot, path),
        [
          ...joinKeys.map(({ name, type }) => [name, duckDbType(type)] as const),
          [EVENT_TIME, 'TIMESTAMP'],
          [CREATED_TIME, 'TIMESTAMP'],
          [INTERVAL_END, 'TIMESTAMP'],
          ...(validity ? [[VALID_TO, 'TIMESTAMP'] as const] : []),
          ...features.map(({ name, type }) => [name, duckDbType(type)] as const),
        ],
        rows.map(({ key, eventTime, createdTime, intervalEnd, validTo = null, values }) => [
          ...key,
          eventTime,
          createdTime,
          intervalEnd,
          ...(validity ? [validTo] : []),
          ...values,
        ]),
        ` ORDER BY ${[EVENT_TIME, ...joinKeys.map(({ name }) => identifier(name))].join(', ')}`,
      );
      if (recencyIsTold && rows.length > 0) {
        await db.withConnection((connection) => noteRecency(connection, join(offlineRoot, path), joinKeys));
      }
      return path;
    },
    async writeSpine(columns, rows) {
      const path = join(folder, `${randomUUID()}.parquet`);
      await writeTable(path, Object.entries(columns), rows);
      return { kind: 'parquet', path, timestampField: 'at' };
    },
    outputPath: () => join(folder, 'out', `${randomUUID()}.parquet`),
    read: (path) =>
      db.withConnection(async (connection) => {
        const result = await connection.runAndReadAll(`SELECT * FROM read_parquet(${stringLiteral(path)})`);
        const names = result.columnNames();
        const types = result.columnTypes().map((type) => valueTypeOfDuckDb(String(type)));
        return result
          .getRows()
          .map((row) =>
            Object.fromEntries(
              names.map((name, at) => [name, toValue(row[at] ?? null, types[at] ?? 'string')]),
            ),
          );
      }),
    async close() {
      await db.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function literal(value: Value, type: string): string {
  if (value === null) return 'NULL';
  if (typeof value === 'bigint' && type.startsWith('TIMESTAMP')) return `make_timestamp(${value})`;
  return typeof value === 'string' ? stringLiteral(value) : `CAST(${String(value)} AS ${type})`;
}
