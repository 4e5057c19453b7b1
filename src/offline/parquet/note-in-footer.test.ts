import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noteInFooter } from './note-in-footer.ts';

let folder: string;
let connection: DuckDBConnection;
let close: () => void;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-note-'));
  const instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
  close = () => {
    connection.closeSync();
    instance.closeSync();
  };
});
afterAll(async () => {
  close();
  await rm(folder, { recursive: true, force: true });
});

const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();

test('a note is given back by other readers, and all of the file is as it was', async () => {
  const path = join(folder, 'noted.parquet');
  await connection.run(
    `COPY (SELECT i AS n, 'text ' || i % 7 AS text, [i, NULL] AS list FROM range(30000) t(i)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 8192)`,
  );
  const before = await readFile(path);
  const metadata = `SELECT * EXCLUDE (key_value_metadata) FROM parquet_metadata('${path}')`;
  const [facts, content] = [await rows(metadata), await rows(`SELECT sum(hash(t)) FROM '${path}' t`)];
  await noteInFooter(path, 'tidemark.test', 'zwölf → 12');
  const noted = `SELECT decode(key), decode(value) FROM parquet_kv_metadata('${path}')`;
  expect(await rows(noted)).toEqual([['tidemark.test', 'zwölf → 12']]);
  expect(await rows(metadata)).toEqual(facts);
  expect(await rows(`SELECT sum(hash(t)) FROM '${path}' t`)).toEqual(content);
  const footer = before.length - 8 - before.readUInt32LE(before.length - 8);
  expect((await readFile(path)).subarray(0, footer)).toEqual(before.subarray(0, footer));
});

test('what is no Parquet file is left as it is', async () => {
  const path = join(folder, 'text.parquet');
  await writeFile(path, 'PAR1 but no footer');
  await expect(noteInFooter(path, 'key', 'value')).rejects.toThrow('This is no Parquet file');
  expect(await readFile(path, 'utf8')).toBe('PAR1 but no footer');
});
