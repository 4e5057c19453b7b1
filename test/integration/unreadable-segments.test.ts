import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { serveHere } from '../../src/cli/serve-here.ts';
import { micros, timeOf } from '../../src/core/time.ts';
import { runMonitor } from '../../src/monitor/run-monitor.ts';
import { encodeBatch, segmentHeader } from '../../src/push/segments/segment-format.ts';
import { thisProcess } from '../../src/push/segments/segment-name.ts';
import { tidemark } from '../support/command-line.ts';
import { appliedProject } from '../support/project.ts';
import { type PushWorld, pushedRow, pushSourceSpec, pushWorld } from '../support/push-world.ts';

/** Segments that were damaged on their disk: nothing waits for them, they are kept, and people hear of them. */
const CLICKS = pushSourceSpec({ user: 'int32' });
const AT = timeOf('2026-03-01T10:20:30Z');

const DEFINITIONS = `
export const thisProject = project({ name: '<project>' });
export const clicks = pushSource({ name: 'clicks', columns: { user: 'int32' }, timestampField: 'at' });
export const counts = batchFeatureView({
  name: 'counts', version: 1, entities: [], source: clicks,
  schedule: '0 0 * * *', startTime: '<end>', aggregations: { clicks_1d: count('1d') },
});
`;

let world: PushWorld;

beforeEach(async () => {
  world = await pushWorld();
});

const batch = (...users: readonly number[]) => ({
  project: 'shop',
  source: 'clicks',
  receivedAt: AT,
  rows: users.map((user) => pushedRow(micros(AT + BigInt(user)), { user })),
});

/** Rows in files. */
async function inFiles(): Promise<number> {
  const files = await world.files.files({ project: 'shop', source: 'clicks' });
  return files.reduce((sum, { rows }) => sum + rows, 0);
}

/** A segment of a process that is gone, as it was written and as it is found. */
async function abandoned(name: string, content: Buffer | string): Promise<string> {
  const path = join(world.folder, 'shop/clicks', `${name}.999999999-1.${thisProcess().host}.segment`);
  // The folder is there with the first append.
  await writeFile(path, content);
  return path;
}

const whole = (...users: readonly number[]) => encodeBatch(CLICKS, AT, batch(...users).rows);

test('a damaged segment blocks no other, is kept and told of, and its rows are taken when it is mended', async () => {
  const first = await world.open({ source: CLICKS });
  await first.append(batch(1));
  const text = Buffer.concat([segmentHeader(CLICKS), whole(2, 3), whole(4)]).toString();
  const damaged = await abandoned('1-1', text.replace('"v0":3}', '"v0":9}'));
  await abandoned('2-2', Buffer.concat([segmentHeader(CLICKS), whole(5)]));

  const log = await world.open({ source: CLICKS });
  await log.seal();
  await first.seal();
  expect(await inFiles()).toBe(2);
  const [told, ...more] = log.unreadable();
  expect(more).toEqual([]);
  expect(told).toMatchObject({
    source: 'clicks',
    path: `${damaged}.unreadable`,
    bytes: text.length,
    reason: 'its lines 2 to 4 are not as they were written',
  });
  expect(await world.unreadable.of('shop')).toEqual([told]);
  expect(await readFile(`${damaged}.unreadable`, 'utf8')).toContain('"v0":9}');
  // Nothing waits any more: what is found later is sealed at once.
  await log.append(batch(6));
  await log.seal();
  expect(await inFiles()).toBe(3);

  // Another process tells of it too, and does not forget why.
  const later = await world.open({ source: CLICKS });
  expect(later.unreadable()).toMatchObject([{ path: `${damaged}.unreadable` }]);
  expect(await world.unreadable.of('shop')).toEqual([told]);

  const lines = text.split('\n');
  lines.splice(1, 3);
  await writeFile(`${damaged}.unreadable`, lines.join('\n'));
  await rename(`${damaged}.unreadable`, damaged);
  const last = await world.open({ source: CLICKS });
  await last.seal();
  expect(await inFiles()).toBe(4);
  expect(last.unreadable()).toEqual([]);
  expect(await world.unreadable.of('shop')).toEqual([]);
});

test('what a process has written itself, and finds changed when it makes a file of it, is not cut off', async () => {
  const log = await world.open({ source: CLICKS });
  await log.append(batch(1));
  await log.append(batch(2));
  const [name = ''] = await world.segments();
  const path = join(world.folder, name);
  await writeFile(path, (await readFile(path, 'utf8')).replace('"v0":2}', '"v0":3}'));
  await log.seal();
  expect(log.unreadable()).toMatchObject([{ path: `${path}.unreadable` }]);
  expect(log.unreadable()[0]?.reason).toMatch(/^of \d+ bytes that were written, those from \d+ on are not/);
  expect(await inFiles()).toBe(0);
});

test('a segment without a first line, of a newer format, or whose values do not have their types is set aside', async () => {
  const log = await world.open({ source: CLICKS });
  await log.append(batch(1));
  const header = segmentHeader(CLICKS);
  const newer = header.toString().replace('"segment":1', '"segment":2');
  const text = encodeBatch(CLICKS, AT, [pushedRow(AT, { user: 'many' })]);
  await abandoned('1-1', Buffer.concat([Buffer.from('?'), header, whole(2)]));
  await abandoned('2-2', Buffer.concat([Buffer.from(newer), whole(3)]));
  await abandoned('3-3', Buffer.concat([header, text]));
  const next = await world.open({ source: CLICKS });
  await next.seal();
  const found = await world.unreadable.of('shop');
  expect(found.map(({ path }) => path.slice(path.lastIndexOf('/') + 1, path.lastIndexOf('/') + 4))).toEqual([
    '1-1',
    '2-2',
    '3-3',
  ]);
  expect(found.map(({ reason }) => reason)).toEqual([
    'its first line, which tells the source, is not as it was written',
    expect.stringContaining('their segment has format 2, and this Tidemark reads 1'),
    expect.stringContaining('many'),
  ]);
  // Who removes them has done with them.
  for (const { path } of found) await rm(path);
  await world.open({ source: CLICKS });
  expect(await world.unreadable.of('shop')).toEqual([]);
});

test('the monitor opens an alert for them, and status shows them, until they are gone', async () => {
  const project = await appliedProject({ definitions: DEFINITIONS, data: {} });
  const folder = join(project.home, 'push-log', project.name, 'clicks');
  await mkdir(folder, { recursive: true });
  const path = join(folder, `1-1.999999999-1.${thisProcess().host}.segment`);
  await writeFile(path, 'no segment\nat all\n');
  const server = await serveHere(project, 0);
  const health = async () => (await fetch(`${server.url}/health`)).json() as Promise<{ status: string }>;
  await expect.poll(health, { timeout: 30_000 }).toMatchObject({
    status: 'degraded',
    dependencies: { push_log: { status: 'unreadable' } },
  });
  await server.close();
  const deps = await project.platform.activityDeps({ onDemand: new Map(), log: () => {} });
  expect(await runMonitor(project.name, deps)).toMatchObject({ open: 1, opened: 1 });
  const { stdout } = await tidemark(['status'], { env: project.env });
  expect(stdout).toContain('Pushed rows of source "clicks" cannot be read (its first line, which');
  expect(stdout).toContain('1 open alerts:');

  await rm(`${path}.unreadable`);
  const next = await serveHere(project, 0);
  await next.close();
  expect(await runMonitor(project.name, deps)).toMatchObject({ open: 0, resolved: 1 });
  const after = await tidemark(['status'], { env: project.env });
  expect(after.stdout).not.toContain('Pushed rows');
});
