import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { endOf, keepLog } from './logs.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
const log = join(folder, 'temporal.log');

afterEach(() => {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('the logs of the last five starts are kept, the newest as .1', () => {
  for (let start = 1; start <= 8; start += 1) {
    keepLog(log);
    writeFileSync(log, `start ${start}`);
  }
  const kept = readdirSync(folder).map((name) => `${name}: ${readFileSync(join(folder, name), 'utf8')}`);
  expect(kept.toSorted()).toEqual([
    'temporal.log.1: start 7',
    'temporal.log.2: start 6',
    'temporal.log.3: start 5',
    'temporal.log.4: start 4',
    'temporal.log.5: start 3',
    'temporal.log: start 8',
  ]);
});

test('the end of a log is its last lines, or those from where a Go program says why it ends', () => {
  expect(endOf(log)).toBe('');
  const lines = Array.from({ length: 40 }, (_, at) => `line ${at}`);
  writeFileSync(log, lines.join('\n'));
  expect(endOf(log, 3)).toBe('line 37\nline 38\nline 39');
  writeFileSync(log, [...lines, 'panic: no such table', 'goroutine 1 [running]:', ...lines].join('\n'));
  expect(endOf(log, 3)).toBe('panic: no such table\ngoroutine 1 [running]:\nline 0');
});
