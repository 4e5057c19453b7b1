import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { services, testDatabase } from '../support/services.ts';

const RUN = join(import.meta.dirname, '../../bench/run.ts');

test.concurrent.each([
  ['as-of-join', 'entity rows/s', 5],
  ['as-of-memory', 'entity rows/s', 8],
  ['as-of-views', 'entity rows/s', 2],
  ['as-of-wide', 'entity rows × views/s', 4],
  ['as-of-pruning', 'entity rows/s', 3],
  ['materialize', 'entities published/s', 4],
  ['publish', 'entities/s', 3],
  ['online-layouts', 'entities/s', 7],
  ['online-read', 'requests/s', 4],
  ['backfill', 'intervals/s', 3],
  ['serve-workers', 'requests/s', 2],
  ['soak', 'requests/s', 1],
  ['push-log', 'rows/s', 5],
])(
  'the benchmark %s prints rates and peak memory of each case',
  { timeout: 120_000 },
  async (name, rate, cases) => {
    const lines = await bench(name);

    const head = lines.findIndex((line) => line.startsWith('case '));
    const [columns = [], ...rows] = lines
      .slice(head, head + 1 + cases)
      // Every cell begins where its column's name does.
      .map((line) => cellsOf(line, lines[head] ?? ''));
    expect(columns).toEqual(expect.arrayContaining(['time', rate, 'peak memory']));
    expect(rows).toHaveLength(cases);
    for (const row of rows) {
      expect(row[columns.indexOf('time')]).toMatch(/^\d+\.\d+ (ms|s)$/);
      expect(Number(row[columns.indexOf(rate)]?.replaceAll(',', '')), row.join(' | ')).toBeGreaterThan(0);
      expect(row[columns.indexOf('peak memory')]).toMatch(/^\d+\.\d [MG]B$/);
    }
  },
);

test('a benchmark that is not there is named, with those that are', async () => {
  const failure = await bench('as-of-joins').catch((error: { code?: number; stderr?: string }) => error);

  expect(failure).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/as-of-join\|.*materialize\|.*there is no benchmark "as-of-joins"/),
  });
});

async function bench(name: string): Promise<readonly string[]> {
  const { redisUrl, temporalAddress } = services();
  const env = {
    ...process.env,
    DATABASE_URL: await testDatabase('bench'),
    REDIS_URL: redisUrl,
    TEMPORAL_ADDRESS: temporalAddress,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [RUN, name, '--tiny'], { env });
  return stdout.split('\n');
}

function cellsOf(line: string, head: string): readonly string[] {
  const starts = [...head.matchAll(/(?<=^| {2})\S/g)].map(({ index }) => index);
  return starts.map((start, at) => line.slice(start, starts[at + 1]).trim());
}
