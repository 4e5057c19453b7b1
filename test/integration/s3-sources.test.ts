import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { timeOf } from '../../src/core/time.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/duckdb-as-of-engine.ts';
import { createDuckDbFeatureComputer } from '../../src/offline/duckdb/duckdb-feature-computer.ts';
import { createDuckDbSourceReader } from '../../src/offline/duckdb/duckdb-source-reader.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createRemoteAccess } from '../../src/offline/duckdb/remote-access.ts';
import { fetchDuckDbExtension } from '../../src/stack/duckdb-extension.ts';
import { batchView, fileSource, storedRows } from '../support/offline-case.ts';
import { withoutPython } from '../support/python-package.ts';
import { type S3Server, startS3 } from '../support/s3-server.ts';

const reason = await withoutPython();

describe.skipIf(reason !== undefined)(
  `sources on S3 ${reason === undefined ? '' : `(skipped: ${reason})`}`,
  () => {
    const { cache } = readConfig({ TIDEMARK_CACHE: process.env.TIDEMARK_CACHE });
    const files = ['01', '02', '03'].map((day) => `events/date=2026-01-${day}/part.parquet`);
    let folder: string;
    let s3: S3Server;
    let engine: DuckDbEngine;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tidemark-s3-'));
      engine = await newEngine();
      for (const [index, file] of files.entries()) {
        await mkdir(dirname(join(folder, file)), { recursive: true });
        await engine.withConnection((connection) =>
          connection.run(
            `COPY (SELECT TIMESTAMP '2026-01-0${index + 1} 12:00:00.000001' AS "at", ${index}::BIGINT AS user_id, ` +
              `${index} + 0.5::DOUBLE AS amount) TO '${join(folder, file)}' (FORMAT parquet)`,
          ),
        );
      }
      s3 = await startS3(folder, 'shop', files);
    }, 240_000);
    afterAll(async () => {
      await s3?.stop();
      await engine?.close();
      await rm(folder, { recursive: true, force: true });
    });

    const newEngine = () => createDuckDb({ memory: '200MB', threads: 2, tempDir: join(folder, 'spill') });
    const place = (env: Readonly<Record<string, string>> = {}) => {
      const given: Readonly<Record<string, string>> = {
        AWS_ENDPOINT_URL_S3: s3.endpoint,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: s3.id,
        AWS_SECRET_ACCESS_KEY: s3.secret,
        ...env,
      };
      const remote = createRemoteAccess({
        variable: (name) => given[name],
        fetchExtension: (name, version) => fetchDuckDbExtension(name, { version, cache }),
      });
      return { baseDir: folder, offlineRoot: folder, remote };
    };
    const source = fileSource({
      path: 's3://shop/events/*/*.parquet',
      partitionedBy: { column: 'date', granularity: 'day' },
      columns: [{ name: 'amount', type: 'float64' }],
    });

    test('are described, measured and computed from like local ones', async () => {
      const reader = createDuckDbSourceReader(engine, place());
      expect((await reader.describe(source)).columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
        'at timestamp',
        'user_id int64',
        'amount float64',
        'date date',
      ]);
      expect(await reader.extent(source)).toMatchObject({ rows: 3, bytes: expect.toSatisfy((n) => n > 500) });
      const range = { start: timeOf('2026-01-02T12:00:00Z'), end: timeOf('2026-01-02T13:00:00Z') };
      const view = batchView(source, { kind: 'passthrough' }, [['amount', 'float64']]);
      await createDuckDbFeatureComputer(engine, place()).compute({ view, range, path: 'out.parquet' });
      const rows = await storedRows(engine, view, folder, 'out.parquet');
      expect(rows.map(({ key, eventTime, values }) => [...key, eventTime, ...values])).toEqual([
        [1n, timeOf('2026-01-02T12:00:00.000001Z'), 1.5],
      ]);
    });

    test('are a spine, whose digest is the same for the same rows', async () => {
      const asOf = createDuckDbAsOfEngine(engine, place());
      const spine = { kind: 'parquet', path: 's3://shop/events/*/*.parquet', timestampField: 'at' } as const;
      const described = await asOf.describeSpine(spine);
      expect(described.rows).toBe(3);
      expect((await asOf.describeSpine(spine)).digest).toBe(described.digest);
      const one = await asOf.describeSpine({ ...spine, path: `s3://shop/${files[0]}` });
      expect(one.digest).not.toBe(described.digest);
    });

    test('say that they lack a declared column or are not there', async () => {
      const reader = createDuckDbSourceReader(engine, place());
      await expect(reader.extent({ ...source, timestampField: 'user_id' })).rejects.toMatchObject({
        code: 'SOURCE_SCHEMA_MISMATCH',
      });
      await expect(reader.describe(fileSource({ path: 's3://shop/none/*.parquet' }))).rejects.toMatchObject({
        code: 'SOURCE_UNREADABLE',
        message: expect.stringMatching(/s3:\/\/shop\/none.*check the address, and the AWS_ variables/),
      });
    });

    test.each([
      ['a wrong secret', { AWS_SECRET_ACCESS_KEY: 'wrong-secret-0123456789' }],
      [
        'a wrong id',
        { AWS_ACCESS_KEY_ID: 'AKIAWRONGWRONGWRONG0', AWS_SESSION_TOKEN: 'wrong-token-0123456789' },
      ],
      ['nobody there', { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' }],
    ])('cannot be read with %s, and the credentials are not told', async (_, env) => {
      const fresh = await newEngine();
      try {
        const failure: unknown = await createDuckDbSourceReader(fresh, place(env))
          .describe(source)
          .catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: 'SOURCE_UNREADABLE' });
        const told = `${String(failure)} ${JSON.stringify(failure)} ${failure instanceof Error ? `${failure.stack} ${String(failure.cause)}` : ''}`;
        for (const secret of [s3.secret, ...Object.values(env).filter((value) => value.startsWith('wrong'))])
          expect(told).not.toContain(secret);
      } finally {
        await fresh.close();
      }
    });

    test('say how to get the extension when it cannot be had', async () => {
      const fresh = await newEngine();
      const remote = createRemoteAccess({
        variable: () => undefined,
        fetchExtension: async () => ({ ok: false, reason: 'there is no pip' }),
      });
      await expect(
        createDuckDbSourceReader(fresh, { baseDir: folder, remote }).describe(source),
      ).rejects.toMatchObject({
        code: 'STACK_UNAVAILABLE',
        message: expect.stringMatching(
          /"httpfs" v1\.\d+\.\d+ cannot be loaded \(there is no pip\)\. Install it/,
        ),
      });
      await fresh.close();
    });
  },
);
