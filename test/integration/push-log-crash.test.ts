import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { scanPushed } from '../../src/offline/duckdb/sources/pushed-source.ts';
import { testEngine } from '../support/feature-repo.ts';
import type { AppenderInput } from '../support/push-appender.ts';
import { type PushWorld, pushSourceSpec, pushWorld } from '../support/push-world.ts';

const APPENDER = join(import.meta.dirname, '../support/push-appender.ts');
const SOURCE = pushSourceSpec({ batch: 'int32', row: 'int32', text: 'string' });
const ROWS = 5;

interface Told {
  readonly sent: readonly number[];
  readonly kept: readonly number[];
  readonly lost: readonly number[];
}

/** Runs the appender until it has kept some batches and a random while longer, then kills it with -9. */
async function appendUntilKilled(
  world: PushWorld,
  from: number,
  { sealAfter = '60ms', fileBlocks }: { sealAfter?: string; fileBlocks?: number } = {},
): Promise<Told> {
  const { folder, offlineRoot, databaseUrl } = world;
  const input: AppenderInput = {
    databaseUrl,
    folder,
    offlineRoot,
    source: SOURCE,
    from,
    callers: 8,
    rows: ROWS,
    sealAfter,
  };
  const limit = fileBlocks === undefined ? '' : `ulimit -f ${fileBlocks}; `;
  const child = spawn(
    'bash',
    ['-c', `${limit}exec "$0" "$@"`, process.execPath, APPENDER, JSON.stringify(input)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const exited = once(child, 'close');
  const enough = () => text.includes('kept') && (fileBlocks === undefined || text.split('lost').length > 20);
  await expect.poll(enough, { timeout: 30_000, interval: 5 }).toBe(true);
  await sleep(Math.random() * 300);
  child.kill('SIGKILL');
  await exited;
  const all = (word: string) =>
    [...text.matchAll(new RegExp(`^${word} (\\d+)$`, 'gm'))].map(([, batch]) => Number(batch));
  return { sent: all('sent'), kept: all('kept'), lost: all('lost') };
}

/** Rows of each batch that are read once everything is recovered. */
async function recoveredBatches(world: PushWorld): Promise<ReadonlyMap<number, number>> {
  const log = await world.open({ source: SOURCE });
  await log.seal();
  expect(await world.segments()).toEqual([]);
  const { withConnection } = await testEngine();
  return withConnection(async (connection) => {
    const { relation } = await scanPushed(connection, SOURCE, world.find);
    const result = await connection.runAndReadAll(
      `SELECT batch, count(DISTINCT row) FROM ${relation} WHERE length(text) = 200 GROUP BY batch`,
    );
    return new Map(result.getRows().map(([batch, rows]) => [Number(batch), Number(rows)]));
  });
}

test('a process killed at any moment loses nothing that it has answered, and leaves no part of a batch', async () => {
  const world = await pushWorld();
  const kept: number[] = [];
  const sent = new Set<number>();
  let from = 0;
  for (let round = 0; round < 5; round++) {
    const told = await appendUntilKilled(world, from);
    kept.push(...told.kept);
    for (const batch of told.sent) sent.add(batch);
    from = Math.max(...told.sent) + 1;
  }
  const batches = await recoveredBatches(world);
  expect(kept.length).toBeGreaterThan(100);
  expect(kept.filter((batch) => batches.get(batch) !== ROWS)).toEqual([]);
  expect([...batches].filter(([batch, rows]) => !sent.has(batch) || rows !== ROWS)).toEqual([]);
}, 90_000);

test('when no more can be written, everybody who waits is told so, and nothing of theirs stays', async () => {
  const world = await pushWorld();
  // No file may grow beyond 40 KiB: a segment ends in the middle of a batch, again and again.
  const told = await appendUntilKilled(world, 0, { sealAfter: '1h', fileBlocks: 40 });
  const batches = await recoveredBatches(world);
  expect(told.kept.length).toBeGreaterThan(20);
  expect(told.kept.filter((batch) => batches.get(batch) !== ROWS)).toEqual([]);
  expect(told.lost.filter((batch) => batches.has(batch))).toEqual([]);
});
