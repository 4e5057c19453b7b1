import { expect, test } from 'vitest';
import { batchView, fileSource } from '../../test/support/offline-case.ts';
import { manifestOf } from '../../test/support/specs.ts';
import { durationOf, timeOf } from '../core/time.ts';
import type { ValueType } from '../core/value-type.ts';
import { createMemoryOnlineStore } from '../online/memory/memory-online-store.ts';
import { onlineTableOf } from '../online/online-table.ts';
import type { Frame } from './read-frame.ts';
import { writeViewRows } from './write-view-rows.ts';

const source = fileSource({ path: 'plans.parquet', timestampField: 'since', validTo: 'until' });

/** Writes to a view whose rows end; gives what is stored: value and end by user. */
async function written(
  frame: Frame,
  features: readonly (readonly [string, ValueType])[] = [['plan', 'string']],
) {
  const view = batchView(source, { kind: 'passthrough' }, features, { name: 'plan', validTo: 'until' });
  const online = createMemoryOnlineStore();
  const deps = {
    manifest: manifestOf([view]),
    servingVersions: new Map([['plan', 1]]),
    online,
    onStreamed: () => {},
    clock: () => timeOf('2026-02-01'),
    maxFuture: durationOf('1m'),
    maxRows: 10,
  };
  await writeViewRows({ view: 'plan', frame }, deps);
  const found: Record<string, unknown> = {};
  for await (const rows of online.scan(onlineTableOf('shop', view))) {
    for (const { key, values, validTo } of rows) found[String(key[0])] = [...values, validTo];
  }
  return found;
}

const SINCE = '2026-01-05T00:00:00Z';

test('a row that is written to a view may tell its end, in the future too; without one it has none', async () => {
  const until = timeOf('2027-01-01T00:00:00.000001Z');
  const two = { user_id: [1, 2], plan: ['a', 'b'], since: [SINCE, SINCE] };
  expect(await written({ ...two, until: ['2027-01-01T00:00:00.000001Z', null] })).toEqual({
    1: ['a', until],
    2: ['b', null],
  });
  expect(await written({ user_id: [1], plan: ['a'], event_timestamp: [SINCE] })).toEqual({ 1: ['a', null] });
});

test.each([
  ['timestamp', timeOf('2026-02-01')],
  ['date', '2026-02-01'],
] as const)('an end that is a feature too, a %s, is both', async (type, value) => {
  const frame = { user_id: [1], until: ['2026-02-01'], since: [SINCE] };
  expect(await written(frame, [['until', type]])).toEqual({ 1: [value, timeOf('2026-02-01')] });
});

test('a row that would never be true is refused, and so are two ends of one row', async () => {
  const row = { user_id: [1], plan: ['a'], since: [SINCE] };
  await expect(written({ ...row, until: [SINCE] })).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
    problems: [{ where: 'df.until[0]', message: expect.stringContaining('would never be true') }],
  });
  const twice = { user_id: [1, 1], plan: ['a', 'a'], since: [SINCE, SINCE] };
  await expect(written({ ...twice, until: ['2026-03-01', null] })).rejects.toMatchObject({
    problems: [{ where: 'df[1]', message: expect.stringContaining('send the one that is true') }],
  });
});

test("timestamps are taken as ISO times and as Feast's client sends them, in whole seconds, also in lists", async () => {
  const features = [
    ['seen', 'timestamp'],
    ['times', 'array<timestamp>'],
  ] as const;
  const frame = { user_id: [1, 2], since: [SINCE, SINCE], seen: [1, '1970-01-01T00:00:00.5Z'] };
  const times = [[1_700_000_000, '1970-01-01T00:00:00.000001Z', null, -1], null];
  expect(await written({ ...frame, times }, features)).toEqual({
    1: [1_000_000n, [1_700_000_000_000_000n, 1n, null, -1_000_000n], null],
    2: [500_000n, null, null],
  });
  for (const [wrong, found] of [
    [[1, 1.5], 'found 1.5 at [1]'],
    [[1e15], 'found 1000000000000000 at [0]'],
    [[1, null, 'x'], 'found the text "x" at [2]'],
    [1, 'found 1'],
  ] as const) {
    await expect(written({ ...frame, times: [wrong, null] }, features)).rejects.toMatchObject({
      problems: [{ where: 'df.times[0]', message: expect.stringContaining(`${found}; allowed is a list`) }],
    });
  }
});

test('a row too large to be served is refused, at its largest column', async () => {
  const frame = { user_id: [1, 2], plan: ['a', 'é'.repeat(600_000)], since: [SINCE, SINCE] };
  await expect(written(frame)).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
    message: expect.stringMatching(
      /^ {2}df\.plan\[1\]: found a row of 1,200,\d{3} bytes, most of them here; view "plan@v1" serves rows of at most 1,048,576 bytes/m,
    ),
  });
});
