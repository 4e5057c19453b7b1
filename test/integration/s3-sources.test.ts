import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { TidemarkError } from '../../src/core/errors.ts';
import type { SourceSpec } from '../../src/core/source.ts';
import { timeOf } from '../../src/core/time.ts';
import type { JoinedView, Spine } from '../../src/offline/as-of-engine.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDbFeatureComputer } from '../../src/offline/duckdb/compute/duckdb-feature-computer.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';
import { createDuckDbSourceReader } from '../../src/offline/duckdb/sources/duckdb-source-reader.ts';
import { createRemoteAccess } from '../../src/offline/duckdb/sources/remote-access.ts';
import { compileRepo } from '../../src/plan/compile.ts';
import { loadRepo } from '../../src/repo/load-repo.ts';
import { fetchDuckDbExtension } from '../../src/stack/duckdb-extension.ts';
import { featureRepo } from '../support/feature-repo.ts';
import { batchView, fileSource, storedRows } from '../support/offline-case.ts';
import { withoutPython } from '../support/python-package.ts';
import { requestLog } from '../support/request-log.ts';
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

    test('are asked for what is wanted alone: of other days only the first and the last file, for their columns', async () => {
      const asked: string[] = [];
      const log = await requestLog(s3.endpoint, (request) => asked.push(request));
      const fresh = await newEngine();
      try {
        const reader = createDuckDbSourceReader(fresh, place({ AWS_ENDPOINT_URL_S3: log.endpoint }));
        const day = { start: timeOf('2026-01-03T00:00:00Z'), end: timeOf('2026-01-04T00:00:00Z') };
        expect(await reader.extent(source, day)).toMatchObject({ rows: 1 });
        const read = new Set(
          asked.flatMap((request) => /date=[\d-]+/.exec(decodeURIComponent(request)) ?? []),
        );
        expect([...read].toSorted()).toEqual(['date=2026-01-01', 'date=2026-01-03']);
      } finally {
        await fresh.close();
        await log.close();
      }
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

    test('that lack a declared column, or have it of another type, are told by plan, each at its field', async () => {
      const compile = async (columns: string, amount = 'float64') => {
        const dir = await featureRepo({
          'shop.ts': `export const shop = project({ name: 'shop' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const events = parquetSource({ name: 'events', path: 's3://shop/events/*/*.parquet', timestampField: 'at', columns: { ${columns} } });
export const spend = batchFeatureView({ name: 'spend', version: 1, entities: [user], source: events, schedule: '0 * * * *',
  startTime: '2026-01-01T00:00:00Z', features: { amount: '${amount}' } });`,
        });
        return await compileRepo(await loadRepo(dir), {
          sourceReader: createDuckDbSourceReader(engine, place()),
          now: timeOf('2026-03-01T00:00:00Z'),
        });
      };
      const told = async (...given: Parameters<typeof compile>) => {
        const failure: unknown = await compile(...given).catch((error: unknown) => error);
        if (!(failure instanceof TidemarkError)) throw new Error(`Expected problems, got ${String(failure)}`);
        return {
          code: failure.code,
          places: failure.problems.map(({ where }) => where),
          message: failure.message,
        };
      };
      expect((await compile(`amount: 'float64', user_id: 'int64'`)).views).toHaveLength(1);
      const lacking = await told(`amount: 'float64', currency: 'string'`);
      expect(lacking.code).toBe('SOURCE_SCHEMA_MISMATCH');
      expect(lacking.message).toContain('"currency"');
      const other = await told(`amount: 'timestamp'`);
      expect(other.code).toBe('SOURCE_SCHEMA_MISMATCH');
      expect(other.message).toMatch(/amount/);
      for (const { places } of [lacking, other]) expect(places[0]).toMatch(/^shop.ts, source "events", /);
      expect((await told(`amount: 'float64'`, 'string')).message).toMatch(/amount/);
    });

    test('that lack what train reads of them, as a source or as entity rows, are told before any work', async () => {
      const asOf = createDuckDbAsOfEngine(engine, place());
      const users: JoinedView = {
        view: 'spend',
        version: 1,
        joinKeys: [{ name: 'user_id', type: 'int64' }],
        spineColumns: ['user_id'],
      };
      const query = (columns: SourceSpec['columns'], text = 'SELECT user_id, "at" FROM events'): Spine => ({
        kind: 'query',
        query: text,
        timestampField: 'at',
        sources: [{ ...source, columns }],
      });
      expect((await asOf.describeSpine(query(source.columns), [users])).rows).toBe(3);
      for (const [columns, text] of [
        [[{ name: 'currency', type: 'string' }], 'currency'],
        [[{ name: 'amount', type: 'timestamp' }], 'amount'],
      ] as const) {
        await expect(asOf.describeSpine(query(columns), [users])).rejects.toMatchObject({
          code: 'SOURCE_SCHEMA_MISMATCH',
          message: expect.stringMatching(new RegExp(`"events".*${text}`, 's')),
        });
      }
      const file: Spine = { kind: 'parquet', path: 's3://shop/events/*/*.parquet', timestampField: 'at' };
      await expect(asOf.describeSpine({ ...file, timestampField: 'when' }, [users])).rejects.toMatchObject({
        code: 'SPINE_INVALID',
        message: expect.stringContaining('it has no column "when"'),
      });
      await expect(asOf.describeSpine(file, [{ ...users, spineColumns: ['usr_id'] }])).rejects.toMatchObject({
        code: 'SPINE_INVALID',
        message: expect.stringMatching(
          /it has no column "usr_id" for join key "user_id" of spend@v1.*Did you mean "user_id"/,
        ),
      });
      await expect(asOf.describeSpine(file, [{ ...users, spineColumns: ['amount'] }])).rejects.toMatchObject({
        code: 'SPINE_INVALID',
        message: expect.stringContaining('its column "amount" is DOUBLE, and join key "user_id"'),
      });
    });

    test.each([
      ['a wrong secret', { AWS_SECRET_ACCESS_KEY: 'wrong-secret-0123456789' }, true],
      [
        'a wrong id',
        { AWS_ACCESS_KEY_ID: 'AKIAWRONGWRONGWRONG0', AWS_SESSION_TOKEN: 'wrong-token-0123456789' },
        true,
      ],
      ['nobody there', { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' }, false],
    ])('cannot be read with %s, and the credentials are not told', async (_, env, lasting) => {
      const fresh = await newEngine();
      try {
        const failure: unknown = await createDuckDbSourceReader(fresh, place(env))
          .describe(source)
          .catch((error: unknown) => error);
        // Who may come is not decided by waiting, who is there is.
        expect(failure).toMatchObject({ code: 'SOURCE_UNREADABLE', lasting });
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
