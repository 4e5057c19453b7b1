import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import type { PushSourceSpec } from '../../src/core/source.ts';
import { addDuration, durationOf, micros, timeOf } from '../../src/core/time.ts';
import type { Value, ValueType } from '../../src/core/value-type.ts';
import { scanPushed } from '../../src/offline/duckdb/sources/pushed-source.ts';
import { toValue } from '../../src/offline/duckdb/types.ts';
import { type SealDeps, sealSegment } from '../../src/push/segments/seal-segment.ts';
import { testEngine } from '../support/feature-repo.ts';
import { type PushWorld, pushedRow, pushSourceSpec, pushWorld } from '../support/push-world.ts';

const AT = timeOf('2026-03-01T10:20:30.000001Z');
const RECEIVED = timeOf('2026-03-01T11:00:00Z');

let world: PushWorld;

beforeEach(async () => {
  world = await pushWorld();
});

/** What is read of the source, by column. */
async function readAll(source: PushSourceSpec, range = {}): Promise<readonly Record<string, unknown>[]> {
  const { withConnection } = await testEngine();
  return withConnection(async (connection) => {
    const { relation } = await scanPushed(connection, source, world.find, range);
    const result = await connection.runAndReadAll(`SELECT * FROM ${relation} ORDER BY ALL`);
    const types = new Map<string, PushSourceSpec['columns'][number]['type']>(
      source.columns.map(({ name, type }) => [name, type]),
    );
    return result
      .getRowObjects()
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [name, toValue(value, types.get(name) ?? 'timestamp')]),
        ),
      );
  });
}

const batchOf = (source: PushSourceSpec, ...values: readonly number[]) => ({
  project: source.project,
  source: source.name,
  receivedAt: RECEIVED,
  rows: values.map((user) => pushedRow(micros(AT + BigInt(user)), { user })),
});

const CLICKS = pushSourceSpec({ user: 'int32' });

describe('what is appended is read back', () => {
  test('exactly, in every type', async () => {
    const source = pushSourceSpec({
      flag: 'bool',
      small: 'int32',
      large: 'int64',
      float: 'float32',
      double: 'float64',
      odd: 'float64',
      text: 'string',
      bytes: 'bytes',
      moment: 'timestamp',
      day: 'date',
      doc: 'json',
      numbers: 'array<int64>',
      moments: 'array<timestamp>',
      parts: 'array<bytes>',
      embedding: 'vector(3)',
      nothing: 'string',
    });
    const columns = {
      flag: true,
      small: -2_147_483_648,
      large: 9_223_372_036_854_775_807n,
      float: Math.fround(0.1),
      double: 0.1 + 0.2,
      odd: Number.NEGATIVE_INFINITY,
      text: 'a "quoted"\nline, ünïcödé 🌊 \u2028 \\n',
      bytes: Uint8Array.from([0, 255, 10, 34]),
      moment: timeOf('1969-12-31T23:59:59.999999Z'),
      day: '2026-02-28',
      doc: '{"a": [1, "x\\ny"]}',
      numbers: [-9_223_372_036_854_775_808n, null, 1n],
      moments: [AT, null],
      parts: [Uint8Array.from([1, 2])],
      embedding: Float32Array.from([1.5, -0.25, 3e38]),
      nothing: null,
    };
    const log = await world.open({ source });
    await log.append({
      project: 'shop',
      source: 'clicks',
      receivedAt: RECEIVED,
      rows: [pushedRow(AT, columns)],
    });
    await log.seal();
    expect(await readAll(source)).toEqual([{ at: AT, __received_time: RECEIVED, ...columns }]);
  });

  test('without a vector too, in a file that other readers take: it is one entry, and no items', async () => {
    const source = pushSourceSpec({ embedding: 'vector(3)' });
    const log = await world.open({ source });
    const rows = [[1, 2, 3], null].map((embedding, index) =>
      pushedRow(micros(AT + BigInt(index)), { embedding: embedding && Float32Array.from(embedding) }),
    );
    await log.append({ ...batchOf(source), rows });
    await log.seal();
    expect((await readAll(source)).map(({ embedding }) => embedding)).toEqual([
      Float32Array.from([1, 2, 3]),
      null,
    ]);
    const { withConnection } = await testEngine();
    const [[entries] = []] = await withConnection(async (connection) => {
      const { relation } = await scanPushed(connection, source, world.find);
      const [, files] = /read_parquet\((\[[^\]]*\]|'[^']*')/.exec(relation) ?? [];
      const result = await connection.runAndReadAll(
        `SELECT sum(num_values) FROM parquet_metadata(${files}) WHERE path_in_schema LIKE 'embedding%'`,
      );
      return result.getRows();
    });
    expect(Number(entries)).toBe(4);
  });

  test('with its created time, where the source has one', async () => {
    const source = pushSourceSpec({ user: 'int32' }, { createdTimestampField: 'written' });
    const log = await world.open({ source });
    const [row] = batchOf(source, 1).rows;
    const written = timeOf('2026-03-01T10:30:00Z');
    await log.append({
      ...batchOf(source),
      rows: [{ eventTime: AT, columns: { user: 1 }, ...row, createdTime: written }],
    });
    await log.seal();
    expect(await readAll(source)).toMatchObject([{ user: 1, written }]);
  });

  test('once, however often it was pushed, as received when it first was', async () => {
    const log = await world.open({ source: CLICKS });
    await log.append({ ...batchOf(CLICKS, 1, 2), receivedAt: addDuration(RECEIVED, durationOf('5s')) });
    await log.append(batchOf(CLICKS, 2));
    await log.seal();
    await log.append(batchOf(CLICKS, 1, 2));
    await log.seal();
    const rows = await readAll(CLICKS);
    expect(rows.map(({ user, __received_time }) => [user, __received_time])).toEqual([
      [1, RECEIVED],
      [2, RECEIVED],
    ]);
  });

  test('from before a column was added to the source as well, null there', async () => {
    const wider = pushSourceSpec({ user: 'int64', page: 'string' });
    const log = await world.open({ source: CLICKS });
    await log.append(batchOf(CLICKS, 1));
    await log.seal();
    const next = await world.open({ source: wider });
    await next.append({ ...batchOf(wider), rows: [pushedRow(AT, { user: 2n, page: 'home' })] });
    await next.seal();
    const rows = await readAll(wider);
    expect(rows.map(({ user, page }) => [user, page])).toEqual([
      [2n, 'home'],
      [1n, null],
    ]);
  });

  /** Pushes the values under one type, and reads the source under another. */
  async function retyped(name: string, from: ValueType, to: ValueType, values: readonly Value[]) {
    const before = pushSourceSpec({ value: from }, { name });
    const log = await world.open({ source: before });
    const rows = values.map((value, index) => pushedRow(micros(AT + BigInt(index)), { value }));
    await log.append({ ...batchOf(before), rows });
    await log.seal();
    return readAll(pushSourceSpec({ value: to }, { name })).then(
      (read) => read.map(({ value }) => value),
      (error: Error) => error.message,
    );
  }

  test('under another type of a column, where no value is lost', async () => {
    const cases = [
      ['int32', 'int64', [1, null], [1n, null]],
      ['float32', 'float64', [0.5], [0.5]],
      ['date', 'timestamp', ['2026-01-01'], [timeOf('2026-01-01')]],
      ['array<int32>', 'array<float64>', [[1, null]], [[1, null]]],
      ['int64', 'int32', [5n, -1n, null], [5, -1, null]],
      ['float64', 'int64', [2, null], [2n, null]],
      ['string', 'int64', ['42'], [42n]],
      ['string', 'json', ['{"a": 1}'], ['{"a": 1}']],
      ['timestamp', 'date', [timeOf('2026-01-01')], ['2026-01-01']],
      ['int64', 'float64', [2n ** 53n], [2 ** 53]],
      ['int64', 'string', [7n], ['7']],
    ] as const;
    for (const [at, [from, to, values, read]] of cases.entries())
      expect([from, to, await retyped(`source_${at}`, from, to, values)]).toEqual([from, to, read]);
    // With files of both types.
    const now = pushSourceSpec({ value: 'string' }, { name: `source_${cases.length - 1}` });
    const log = await world.open({ source: now });
    await log.append({ ...batchOf(now), rows: [pushedRow(AT, { value: 'x' })] });
    await log.seal();
    expect((await readAll(now)).map(({ value }) => value).toSorted()).toEqual(['7', 'x']);
  });

  test('under another type of a column never when a value would be lost: one error names it', async () => {
    const cases = [
      ['int64', 'int32', [1n, 3_000_000_000n], '"3000000000" in rows that were pushed as int64'],
      ['int64', 'float64', [2n ** 53n + 1n], '"9007199254740993" in rows that were pushed as int64'],
      ['int64', 'float64', [2n ** 63n - 1n], 'which is no float64'],
      ['float64', 'int64', [2.5], '"2.5" in rows that were pushed as float64, which is no int64'],
      ['string', 'int64', ['many'], '"many" in rows that were pushed as string, which is no int64'],
      ['string', 'json', ['no JSON'], '"no JSON" in rows that were pushed as string'],
      ['timestamp', 'date', [AT], 'in rows that were pushed as timestamp, which is no date'],
      [
        'array<int64>',
        'array<int32>',
        [[3_000_000_000n]],
        'pushed as array<int64>, which is no array<int32>',
      ],
      ['bytes', 'int64', [Uint8Array.from([1])], 'in rows that were pushed as bytes'],
      ['vector(2)', 'vector(3)', [Float32Array.from([1, 2])], '2 numbers in rows that were pushed'],
    ] as const;
    for (const [at, [from, to, values, told]] of cases.entries()) {
      const message = String(await retyped(`source_${at}`, from, to, values));
      expect(message).toContain(`column "value" of push source "source_${at}" has `);
      expect(message).toContain(told);
    }
  });

  test('from the files of its time only', async () => {
    const log = await world.open({ source: CLICKS });
    await log.append(batchOf(CLICKS, 1));
    await log.seal();
    const nextDay = addDuration(AT, durationOf('1d'));
    await log.append({ ...batchOf(CLICKS), rows: [pushedRow(nextDay, { user: 2 })] });
    await log.seal();
    const found = await world.find(CLICKS, { from: addDuration(AT, durationOf('1h')) });
    expect(found).toHaveLength(1);
    expect(await readAll(CLICKS, { from: addDuration(AT, durationOf('1h')) })).toMatchObject([{ user: 2 }]);
    expect(await readAll(CLICKS, { to: timeOf('2026-03-01T10:20:00Z') })).toEqual([]);
  });
});

describe('sealing', () => {
  test('happens by itself when a segment has grown old', async () => {
    const log = await world.open({ source: CLICKS, sealAfter: durationOf('100ms') });
    await log.append(batchOf(CLICKS, 1));
    await expect.poll(async () => (await readAll(CLICKS)).length, { timeout: 30_000 }).toBe(1);
    await expect.poll(() => world.segments()).toEqual([]);
  });

  test('ends a segment that has grown large', async () => {
    const log = await world.open({ source: CLICKS, sealBytes: 600 });
    for (let user = 0; user < 20; user++) await log.append(batchOf(CLICKS, user));
    await log.seal();
    expect((await world.files.files({ project: 'shop', source: 'clicks' })).length).toBeGreaterThan(2);
    expect(await readAll(CLICKS)).toHaveLength(20);
  });

  test('of one segment twice records one file, and neither adds rows nor changes bytes', async () => {
    const log = await world.open({ source: CLICKS });
    await log.append(batchOf(CLICKS, 1, 2));
    const [name = ''] = await world.segments();
    const segment = join(world.folder, name);
    const content = await readFile(segment);
    await log.seal();
    const before = await world.files.files({ project: 'shop', source: 'clicks' });
    const [file] = before;
    const path = join(world.offlineRoot, file?.path ?? '');
    const bytes = await readFile(path);
    // As after a crash between the record and the removal, and as after one before the record.
    for (const files of [world.files, { ...world.files, isRecorded: async () => false }]) {
      await writeFile(segment, content);
      await sealSegment(segment, { ...world, files });
    }
    expect(await world.segments()).toEqual([]);
    expect(await world.files.files({ project: 'shop', source: 'clicks' })).toEqual(before);
    expect(await readFile(path)).toEqual(bytes);
    expect(file?.eventTimes).toEqual([
      { start: timeOf('2026-03-01T10:20:00Z'), end: timeOf('2026-03-01T10:21:00Z') },
    ]);
    expect(await readAll(CLICKS)).toHaveLength(2);
  });

  test('that fails leaves the segment, and is done when its cause has gone', async () => {
    let isDown = true;
    const deps: SealDeps = {
      writer: world.writer,
      files: {
        ...world.files,
        record: async (file) => {
          if (isDown) throw new Error('the registry is away');
          await world.files.record(file);
        },
      },
    };
    const log = await world.open({ source: CLICKS, deps });
    await log.append(batchOf(CLICKS, 1));
    await expect(log.seal()).rejects.toThrow('the registry is away');
    expect(await readAll(CLICKS)).toEqual([]);
    expect(await world.segments()).toHaveLength(1);
    isDown = false;
    await log.seal();
    expect(await readAll(CLICKS)).toHaveLength(1);
    expect(await world.segments()).toEqual([]);
    const [file] = await world.files.files({ project: 'shop', source: 'clicks' });
    const folder = join(world.offlineRoot, file?.path ?? '', '..');
    expect(await readdir(folder)).toHaveLength(1);
  });
});

describe('recovery', () => {
  /** A segment as a process that is gone has left it. */
  async function abandoned(change: (segment: string) => Promise<void>): Promise<void> {
    const log = await world.open({ source: CLICKS, deps: { ...world, files: neverRecording() } });
    await log.append(batchOf(CLICKS, 1, 2));
    await log.append(batchOf(CLICKS, 3));
    const [name = ''] = await world.segments();
    const segment = join(world.folder, name);
    const left = segment.replace(/\.\d+-\d+\./, '.999999999-1.');
    await writeFile(left, await readFile(segment));
    await rm(segment);
    await change(left);
  }

  function neverRecording(): PushWorld['files'] {
    const never = () => Promise.reject(new Error('not this one'));
    return {
      record: never,
      isRecorded: never,
      files: never,
      replace: never,
      replaced: never,
      removed: never,
    };
  }

  async function recovered(): Promise<readonly unknown[]> {
    const log = await world.open({ source: CLICKS });
    await log.seal();
    expect(await world.segments()).toEqual([]);
    return (await readAll(CLICKS)).map(({ user }) => user);
  }

  test('keeps all whole batches of a process that is gone', async () => {
    await abandoned(async () => {});
    expect(await recovered()).toEqual([1, 2, 3]);
  });

  test('cuts a torn line and a batch without its end', async () => {
    await abandoned((segment) =>
      appendFile(segment, '{"t":1772360430000009,"c":null,"r":1,"v0":9}\n{"t":1772360430000010,"c":nu'),
    );
    expect(await recovered()).toEqual([1, 2, 3]);
  });

  test('cuts a batch whose bytes are not those that were written', async () => {
    await abandoned(async (segment) => {
      const text = await readFile(segment, 'utf8');
      await writeFile(segment, text.replace('"v0":3}', '"v0":4}'));
    });
    expect(await recovered()).toEqual([1, 2]);
  });

  test('removes a segment that was never answered from', async () => {
    await abandoned((segment) => writeFile(segment, '{"segment":1,"sour'));
    expect(await recovered()).toEqual([]);
  });

  test('leaves the segments of processes that live', async () => {
    const log = await world.open({ source: CLICKS });
    await log.append(batchOf(CLICKS, 1));
    const [name = ''] = await world.segments();
    const segment = join(world.folder, name);
    // The parent of the test's process lives.
    const theirs = segment.replace(/\.\d+-\d+\./, `.${process.ppid}-1.`);
    await writeFile(theirs, await readFile(segment));
    const other = await world.open({ source: CLICKS });
    await other.seal();
    await sleep(50);
    expect(await world.segments()).toHaveLength(2);
  });
});
