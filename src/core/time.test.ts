import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addDuration,
  type DurationMicros,
  durationOf,
  earliest,
  elapsed,
  formatDuration,
  formatTime,
  fromMillis,
  latest,
  type Micros,
  micros,
  parseDuration,
  parseTime,
  subtractDuration,
  timeOf,
  toDate,
} from './time.ts';

const FIRST = timeOf('0000-01-01T00:00:00Z');
const LAST = timeOf('9999-12-31T23:59:59.999999Z');
const times = fc.bigInt({ min: FIRST, max: LAST }).map(micros);
/** Times near the seams: the epoch, whole seconds and milliseconds. */
const seamTimes = fc
  .tuple(
    fc.bigInt({ min: -3n, max: 3n }),
    fc.constantFrom(1_000_000n, 1000n, 86_400_000_000n),
    fc.bigInt({ min: -3n, max: 3n }),
  )
  .map(([count, unit, more]) => micros(count * unit + more));
const anyTime = fc.oneof(times, seamTimes);

describe('times as text', () => {
  test('come back as the same microsecond', () => {
    fc.assert(
      fc.property(anyTime, (time) => {
        expect(parseTime(formatTime(time))).toBe(time);
      }),
    );
  });

  test('read the same from every zone they can be written in', () => {
    const zones = fc.tuple(fc.integer({ min: -15 * 60 - 59, max: 15 * 60 + 59 }), fc.boolean());
    fc.assert(
      fc.property(
        fc.bigInt({ min: FIRST + 10n ** 12n, max: LAST - 10n ** 12n }),
        zones,
        (time, [minutes, colon]) => {
          const local = formatTime(micros(time + BigInt(minutes) * 60_000_000n)).slice(0, -1);
          const size = Math.abs(minutes);
          const two = (part: number) => String(Math.trunc(part)).padStart(2, '0');
          const zone = `${minutes < 0 ? '-' : '+'}${two(size / 60)}${colon ? ':' : ''}${two(size % 60)}`;
          expect(parseTime(`${local}${zone}`)).toBe(time);
          expect(parseTime(`${local.replace('T', ' ')} ${zone}`)).toBe(time);
        },
      ),
    );
  });

  test('agree with Date to the millisecond', () => {
    fc.assert(
      fc.property(anyTime, (time) => {
        expect(toDate(time).getTime()).toBe(
          Number(time / 1000n - (time < 0n && time % 1000n !== 0n ? 1n : 0n)),
        );
        expect(fromMillis(toDate(time).getTime())).toBeLessThanOrEqual(time);
        expect(Date.parse(formatTime(fromMillis(toDate(time).getTime())))).toBe(toDate(time).getTime());
      }),
    );
  });

  test.each([
    ['2026-01-01', '2026-01-01T00:00:00Z'],
    ['2026-01-01T10:20', '2026-01-01T10:20:00Z'],
    ['2026-01-01 10:20:30', '2026-01-01T10:20:30Z'],
    ['2026-01-01T10:20:30.1', '2026-01-01T10:20:30.1Z'],
    ['2026-01-01T10:20:30.000001Z', '2026-01-01T10:20:30.000001Z'],
    ['2026-01-01T10:20:30.123456789Z', '2026-01-01T10:20:30.123456Z'],
    ['2026-01-01T00:30:00+01:00', '2025-12-31T23:30:00Z'],
    ['2026-01-01T00:30:00-0130', '2026-01-01T02:00:00Z'],
    ['2026-01-01T00:30:00+02', '2025-12-31T22:30:00Z'],
    ['2024-02-29', '2024-02-29T00:00:00Z'],
    ['2000-02-29', '2000-02-29T00:00:00Z'],
    ['0099-03-04T05:06:07Z', '0099-03-04T05:06:07Z'],
    ['0004-02-29', '0004-02-29T00:00:00Z'],
    ['0000-01-01', '0000-01-01T00:00:00Z'],
    ['0000-02-29', '0000-02-29T00:00:00Z'],
    ['1969-12-31T23:59:59.999999Z', '1969-12-31T23:59:59.999999Z'],
    ['  2026-01-01t10:20:30z ', '2026-01-01T10:20:30Z'],
  ])('%s is %s', (text, expected) => {
    const parsed = parseTime(text);
    expect(parsed === undefined ? undefined : formatTime(parsed)).toBe(expected);
  });

  test.each([
    '',
    'yesterday',
    '2026',
    '2026-1-1',
    '2026-13-01',
    '2026-00-10',
    '2026-02-30',
    '2026-02-29',
    '1900-02-29',
    '0001-02-29',
    '2026-04-31',
    '2026-01-00',
    '2026-01-01T24:00:00Z',
    '2026-01-01T10:60:00Z',
    '2026-01-01T10:20:60Z',
    '2026-01-01T10:20:30.Z',
    '2026-01-01T10',
    '2026-01-01Z10:20',
    '2026-01-01T10:20:30+16:00',
    '2026-01-01T10:20:30+01:60',
    '2026-01-01T10:20:30 Europe/Berlin',
    '20260101T102030Z',
    '12026-01-01',
  ])('"%s" is no time', (text) => {
    expect(parseTime(text)).toBeUndefined();
    expect(() => timeOf(text)).toThrow(RangeError);
  });
});

describe('durations', () => {
  test.each([
    ['90s', 90_000_000n],
    ['10m', 600_000_000n],
    ['26h', 93_600_000_000n],
    ['7d', 604_800_000_000n],
    ['2w', 1_209_600_000_000n],
    ['500ms', 500_000n],
    ['3us', 3n],
    ['1h30m', 5_400_000_000n],
    ['1m1ms', 60_001_000n],
    ['0s', 0n],
  ])('%s is %d microseconds', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.each(['', '7', 'd', '7 d', '-1h', '1.5h', '1y', '1H', 'h1'])('"%s" is no duration', (text) => {
    expect(parseDuration(text)).toBeUndefined();
    expect(() => durationOf(text)).toThrow(RangeError);
  });

  test('of at most two neighbouring units come back from their text', () => {
    const units = ['d', 'h', 'm', 's', 'ms', 'us'];
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 1, max: 23 }),
        fc.integer({ min: 0, max: 23 }),
        (index, big, small) => {
          const text = `${big}${units[index]}${small === 0 ? '' : `${small}${units[index + 1]}`}`;
          expect(formatDuration(durationOf(text))).toBe(text);
        },
      ),
    );
  });

  test('are written for people in their two largest units', () => {
    expect(formatDuration(durationOf('3d4h5m'))).toBe('3d4h');
    expect(formatDuration(durationOf('1d5m'))).toBe('1d');
    expect(formatDuration(durationOf('0s'))).toBe('0s');
    expect(formatDuration(durationOf('2w'))).toBe('14d');
  });

  test('add to and subtract from times, and are never negative', () => {
    const day = durationOf('1d');
    fc.assert(
      fc.property(times, times, (a, b) => {
        expect(subtractDuration(addDuration(a, day), day)).toBe(a);
        expect(elapsed(a, b)).toBe((b > a ? b - a : 0n) as DurationMicros);
        expect([earliest(a, b), latest(a, b)]).toEqual(a <= b ? [a, b] : ([b, a] as [Micros, Micros]));
      }),
    );
  });
});
