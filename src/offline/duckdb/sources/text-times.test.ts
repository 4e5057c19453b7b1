import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDuckDb, type DuckDbEngine } from '../engine.ts';
import { stringLiteral } from '../sql-text.ts';
import { typedTextSql } from './text-times.ts';

let engine: DuckDbEngine;
beforeAll(async () => {
  const tempDir = join(tmpdir(), 'tidemark-test-duckdb');
  engine = await createDuckDb({ memory: '100MB', threads: 1, tempDir });
});
afterAll(() => engine.close());

async function typed(type: string, text: string): Promise<string | null> {
  const sql = `SELECT CAST(${typedTextSql('x', type)} AS VARCHAR) FROM (SELECT ${stringLiteral(text)} AS x)`;
  return await engine.withConnection(async (connection) => {
    const [row] = (await connection.runAndReadAll(sql)).getRows();
    return row?.[0] == null ? null : String(row[0]);
  });
}

test.each([
  ['2026-01-02T02:00:00.000001+02:00', '2026-01-02 00:00:00.000001'],
  ['2026-01-02 02:00:00-0330', '2026-01-02 05:30:00'],
  ['2026-01-02T02:00:00Z', '2026-01-02 02:00:00'],
  ['2026-01-02 02:00:00', '2026-01-02 02:00:00'],
  ['2026-01-02', '2026-01-02 00:00:00'],
  ['infinity', 'infinity'],
  ['-infinity', '-infinity'],
  ['0044-03-15 (BC) 10:00:00', '0044-03-15 (BC) 10:00:00'],
  ['soon', null],
  ['', null],
])('the text "%s" is the time %s in UTC', async (text, expected) => {
  expect(await typed('TIMESTAMP', text)).toBe(expected);
});

test.each([
  ['2026-01-02', '2026-01-02'],
  ['2026-1-2', '2026-01-02'],
  ['2026-01-02 00:00:00', '2026-01-02'],
  ['2026-01-02T00:00:00Z', '2026-01-02'],
  ['2026-01-02 00:00:01', null],
  ['2026-01-02T00:00:00+02:00', null],
  ['12026-01-02', '12026-01-02'],
  ['soon', null],
])('the text "%s" is the date %s', async (text, expected) => {
  expect(await typed('DATE', text)).toBe(expected);
});
