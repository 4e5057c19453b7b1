import { expect, test } from 'vitest';
import { timeOf } from '../../core/time.ts';
import { isDead, parseSegmentName, type SegmentOwner, segmentFileName, thisProcess } from './segment-name.ts';

const OPENED = timeOf('2026-03-01T00:00:00.000001Z');
const me = thisProcess();
/** So large a number is no process's. */
const gone: SegmentOwner = { ...me, pid: 999_999_999 };

test('a name tells when and by whom the segment was opened', () => {
  const name = { openedAt: OPENED, number: 12, owner: { ...me, host: 'web-1.example.com' } };
  expect(parseSegmentName(segmentFileName(name))).toEqual(name);
});

test('other files have no owner', () => {
  for (const name of ['notes.txt', '1-2.3-4.host.parquet', 'x-2.3-4.host.segment', '1-2.3-4..segment'])
    expect(parseSegmentName(name)).toBeUndefined();
});

test('a segment is dead when its process is gone, and not while it may append', () => {
  expect(isDead(gone, me, 0)).toBe(true);
  expect(isDead(me, me, 0)).toBe(false);
  expect(isDead({ ...me, pid: process.ppid }, me, 0)).toBe(false);
});

test('a process id that was given again tells by its start', () => {
  expect(isDead({ ...me, startedAt: OPENED }, me, 0)).toBe(true);
});

test('of another host, or of an id that somebody else has now, ten quiet minutes tell', () => {
  const elsewhere = { ...gone, host: 'another-container' };
  const taken = { ...me, pid: process.ppid };
  expect([elsewhere, taken].map((owner) => isDead(owner, me, 599_000))).toEqual([false, false]);
  expect([elsewhere, taken].map((owner) => isDead(owner, me, 601_000))).toEqual([true, true]);
  expect(isDead(me, me, 1e9)).toBe(false);
});
