import { join } from 'node:path';
import { expect, test } from 'vitest';
import { featureRepo, testEngine, writeRows } from '../../test/support/feature-repo.ts';
import { TidemarkError } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { timeOf } from '../core/time.ts';
import { createDuckDbSourceReader } from '../offline/duckdb/sources/duckdb-source-reader.ts';
import { loadRepo } from '../repo/load-repo.ts';
import { compileRepo } from './compile.ts';

const BASE = `export const shop = project({ name: 'shop' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
const common = { version: 1, entities: [user], schedule: '0 0 * * *', startTime: '2026-01-01T00:00:00Z' };
`;

/** Nobody's address has ended: of text, such a column does not tell its type. */
const ADDRESSES = `SELECT 1::BIGINT AS user_id, 'Oslo' AS city, TIMESTAMP '2026-01-01' AS since, NULL::TIMESTAMP AS until`;

async function compile(text: string): Promise<Manifest> {
  const dir = await featureRepo({
    'shop.ts': BASE + text,
    'addresses.jsonl': '{"user_id":1,"city":"Oslo","since":"2026-01-01T00:00:00Z","until":null}\n',
  });
  await writeRows(join(dir, 'addresses.parquet'), ADDRESSES);
  await writeRows(join(dir, 'addresses.csv'), ADDRESSES);
  const sourceReader = createDuckDbSourceReader(await testEngine(), { baseDir: dir });
  return compileRepo(await loadRepo(dir), { sourceReader, now: timeOf('2026-03-01') });
}

async function problemsOf(text: string) {
  const error = await compile(text).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (!(error instanceof TidemarkError)) throw new Error(`Expected a TidemarkError, got ${String(error)}`);
  return { code: error.code, problems: error.problems.map(({ where, message }) => `${where}: ${message}`) };
}

const source = (times: string, kind = 'parquetSource', path = 'addresses.parquet') =>
  `export const addresses = ${kind}({ name: 'addresses', path: '${path}', ${times} });\n`;
const VALIDITY = `validFrom: 'since', validTo: 'until'`;
const AT = 'shop.ts, source "addresses", ';

test.each([
  ['', 'timestampField: found nothing, allowed is one of: timestampField'],
  [
    `timestampField: 'since', validTo: 'until'`,
    'timestampField: found timestampField beside validTo, allowed',
  ],
  [
    `timestampField: 'since', ${VALIDITY}`,
    'timestampField: found timestampField beside validFrom and validTo',
  ],
  [`validTo: 'until'`, 'validFrom: found validTo without validFrom, allowed'],
  [`validFrom: 'since'`, 'validTo: found validFrom without validTo, allowed'],
  [`validFrom: 'since', validTo: 'since'`, 'validTo: found "since", the column of validFrom'],
  [`validFrom: 'since', validTo: 5`, 'validTo: found 5, allowed is the name of a source column'],
])('the times of a source given as { %s } are refused', async (times, problem) => {
  const files = await problemsOf(source(times));
  expect(files.code).toBe('DEFINITION_INVALID');
  expect(files.problems).toEqual([expect.stringContaining(AT + problem)]);
  const postgres = await problemsOf(
    `export const addresses = postgresSource({ name: 'addresses', urlEnv: 'W', table: 't', ${times} });`,
  );
  expect(postgres.problems).toEqual(files.problems);
});

test('columns that pass through take the validity of their source, and a query does not', async () => {
  const { sources, views } = await compile(
    source(VALIDITY) +
      `export const address = batchFeatureView({ ...common, name: 'address', source: addresses, features: { city: 'string' } });
       export const moves = batchFeatureView({ ...common, name: 'moves', sources: [addresses], features: { city: 'string' }, timestampField: 'since',
         sql: 'SELECT user_id, city, since, until FROM addresses WHERE since >= $interval_start AND since < $interval_end' });`,
  );
  expect(sources[0]).toMatchObject({ timestampField: 'since', validTo: 'until' });
  const [address, moves] = views;
  expect(address).toMatchObject({ name: 'address', timestampField: 'since', validTo: 'until' });
  expect(moves).toMatchObject({ name: 'moves', timestampField: 'since' });
  expect(moves).not.toHaveProperty('validTo');
});

test('aggregations of a slowly changing source are refused, with what may read it', async () => {
  const { code, problems } = await problemsOf(
    source(VALIDITY) +
      `export const moves = batchFeatureView({ ...common, name: 'moves', source: addresses, aggregations: { n: count('7d') } });`,
  );
  expect(code).toBe('DEFINITION_INVALID');
  expect(problems).toEqual([
    expect.stringMatching(
      /^shop\.ts, batch view "moves", source: found source "addresses", whose rows are true from "since" until "until"; .*timestampField/,
    ),
  ]);
});

test.each([
  [`validFrom: 'since', validTo: 'ended'`, 'validTo: found no column "ended"'],
  [`validFrom: 'begun', validTo: 'until'`, 'validFrom: found no column "begun"'],
  [`validFrom: 'since', validTo: 'city'`, 'validTo: found column "city"'],
])('a source with { %s } that is not there, or no time, is told before any work', async (times, problem) => {
  const { code, problems } = await problemsOf(source(times));
  expect(code).toBe('SOURCE_SCHEMA_MISMATCH');
  expect(problems).toEqual([expect.stringContaining(AT + problem)]);
});

test.each([
  ['csvSource', 'addresses.csv'],
  ['jsonSource', 'addresses.jsonl'],
])('%s without a row that has ended need not say the type of its ends', async (kind, path) => {
  const { sources } = await compile(source(VALIDITY, kind, path));
  expect(sources[0]).toMatchObject({ validTo: 'until' });
});
