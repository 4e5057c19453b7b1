import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PushSourceSpec } from '../../core/source.ts';
import { micros } from '../../core/time.ts';
import { encodeBatch, readSegment, segmentHeader } from './segment-format.ts';

const SOURCE: PushSourceSpec = {
  kind: 'push',
  project: 'shop',
  name: 'clicks',
  timestampField: 'at',
  createdTimestampField: null,
  columns: [
    { name: 'at', type: 'timestamp' },
    { name: 'user', type: 'int64' },
    { name: 'text', type: 'string' },
  ],
  description: '',
  owner: '',
  tags: {},
};

const batch = (rows: number, text = 'home') =>
  encodeBatch(
    SOURCE,
    micros(2n),
    Array.from({ length: rows }, (_, i) => ({
      eventTime: micros(1n),
      createdTime: null,
      columns: { user: 2n ** 63n - 1n - BigInt(i), text },
    })),
  );

test('a row is a line of JSON with exact integers, without the columns of its times', () => {
  const [line] = batch(1).toString().split('\n');
  expect(line).toBe('{"t":1,"c":null,"r":2,"v0":9223372036854775807,"v1":"home"}');
});

test('a segment tells its source, its rows, and where its last whole batch ends', () => {
  const header = segmentHeader(SOURCE);
  const whole = Buffer.concat([header, batch(2), batch(3, 'a "line"\nbreak')]);
  expect(readSegment(whole)).toMatchObject({ source: SOURCE, rows: 5, length: whole.length });
  expect(readSegment(header)).toMatchObject({ source: SOURCE, rows: 0, length: header.length });
});

test('wherever a segment is cut, what counts are the batches before the cut', () => {
  const parts = [segmentHeader(SOURCE), batch(2), batch(1), batch(4)];
  const ends = parts.map((_, i) => Buffer.concat(parts.slice(0, i + 1)).length);
  const whole = Buffer.concat(parts);
  const rows = [0, 2, 3, 7];
  for (let cut = 0; cut <= whole.length; cut++) {
    const kept = ends.filter((end) => end <= cut).length - 1;
    expect(readSegment(whole.subarray(0, cut))).toMatchObject({
      rows: rows[kept] ?? 0,
      length: ends[kept] ?? 0,
    });
  }
});

test('whatever stands behind the last batch, and whichever byte of it has changed, nothing false is read', () => {
  const good = Buffer.concat([segmentHeader(SOURCE), batch(2)]);
  const last = batch(3);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
      expect(readSegment(Buffer.concat([good, tail]))).toMatchObject({ rows: 2, length: good.length });
    }),
  );
  fc.assert(
    fc.property(fc.nat(last.length - 2), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = Buffer.from(last);
      damaged[at] = (damaged[at] ?? 0) ^ change;
      expect(readSegment(Buffer.concat([good, damaged]))).toMatchObject({ rows: 2, length: good.length });
    }),
  );
});

test('a segment of a newer Tidemark is left alone', () => {
  const newer = Buffer.from(segmentHeader(SOURCE).toString().replace('"segment":1', '"segment":2'));
  expect(() => readSegment(newer)).toThrow(/have format 2|has format 2/);
});

const damaged = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

test('what is not as it was written, and before what is, is no crash: the segment is refused with its lines', () => {
  const [header, first, second, third] = [segmentHeader(SOURCE), batch(2), batch(3), batch(1)];
  const told =
    (...parts: readonly Buffer[]) =>
    () =>
      readSegment(Buffer.concat(parts));
  expect(told(header, damaged(first, 20), second)).toThrow('its lines 2 to 4 are not as they were written');
  expect(told(header, first, damaged(second, 20), third)).toThrow('its lines 5 to 8 are not');
  // The line that ends the first batch is not known as one any more.
  expect(told(header, damaged(first, first.lastIndexOf('{') + 2), second)).toThrow(
    'its lines 2 to 4 are not',
  );
  expect(told(header, first, damaged(second, second.lastIndexOf('{') + 2), third)).toThrow(
    'its lines 5 to 8',
  );
  expect(told(damaged(header, 0), first)).toThrow('its first line, which tells the source, is not');
});

test('without its broken lines a segment is whole again', () => {
  const segment = Buffer.concat([segmentHeader(SOURCE), batch(2), damaged(batch(3), 20), batch(1)]);
  const lines = segment.toString().split('\n');
  lines.splice(4, 4);
  expect(readSegment(Buffer.from(lines.join('\n')))).toMatchObject({ rows: 3 });
});
