import { describe, expect, test } from 'vitest';
import { duckDbReason, failureKind, isLasting } from './duckdb-failure.ts';

// As DuckDB and its extension for S3 say them.
describe('waiting heals nothing of', () => {
  test.each([
    `Invalid Input Error: File 'a.parquet' too small to be a Parquet file`,
    `Invalid Input Error: No magic bytes found at end of file 's3://shop/a.parquet'`,
    `Invalid Input Error: Failed to read file "a.parquet": Snappy decompression failure`,
    `Invalid Error: don't know what type: `,
    `Invalid Input Error: Malformed JSON in file "bad.jsonl", at byte 7 in line 3: unexpected end of data. `,
    `IO Error: No files found that match the pattern "none.parquet"`,
    `IO Error: Cannot open file "a.parquet": Permission denied`,
    `HTTP Error: HTTP GET error reading 's3://shop/none.parquet' in region 'us-east-1' (HTTP 404 Not Found)`,
    `HTTP Error: HTTP GET error reading 'http://127.0.0.1:1/shop/a.parquet' in region 'us-east-1' (HTTP 403 Forbidden)`,
  ])('%s', (message) => {
    expect(isLasting(new Error(message))).toBe(true);
    expect(failureKind(new Error(message))).toBe('file');
  });
});

describe('the next time may be different of', () => {
  test.each([
    `IO Error: Could not connect to server error for HTTP HEAD to 'http://127.0.0.1:1/shop/a.parquet'`,
    `IO Error: Could not resolve hostname error for HTTP HEAD to 'http://nowhere.invalid:1/shop/a.parquet'`,
    `HTTP Error: Request returned HTTP 503 for HTTP HEAD to 'http://127.0.0.1:45843/shop/a.parquet'`,
    `HTTP Error: HTTP GET error reading 's3://shop/404/a.parquet' in region 'us-east-1' (HTTP 429 Too Many Requests)`,
    `IO Error: Cannot open file "a.parquet": Too many open files`,
    `IO Error: Could not read from file "a.parquet": Input/output error`,
    `Out of Memory Error: could not allocate block`,
    `INTERRUPT Error: Interrupted!`,
  ])('%s', (message) => expect(isLasting(new Error(message))).toBe(false));
});

test('what is wrong with CSV is told with its file and line, without the line itself', () => {
  const about = 'Invalid Input Error: CSV Error on Line: 2\n';
  const rest = `\n\nPossible Solution: Set the correct encoding, if available\n\n  file = data/late.csv\n  delimiter = , (Auto-Detected)`;
  const unicode = 'Invalid unicode (byte sequence mismatch) detected. This file is not utf-8 encoded';
  for (const line of ['', 'Original Line: 1,2026-10-01\n', 'Original Line: 1,"a\nb"\n']) {
    expect(duckDbReason(new Error(`${about}${line}${unicode}.${rest}`))).toBe(
      `${unicode} (line 2 of data/late.csv)`,
    );
  }
  expect(duckDbReason(new Error(about))).toBe('CSV Error on Line: 2');
});
