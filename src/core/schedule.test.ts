import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSchedule, scheduleOf, wholeIntervals } from './schedule.ts';
import { durationOf, formatTime, fromMillis, type Micros, micros, timeOf } from './time.ts';

/** Schedules that the fixed fast path takes, their neighbours that it must not take, and calendar ones. */
const FIXED = [
  '* * * * *',
  '*/1 * * * *',
  '*/5 * * * *',
  '*/15 * * * *',
  '*/30 * * * *',
  '*/60 * * * *',
  '0 * * * *',
  '7 * * * *',
  '59 * * * *',
  '07 * * * *',
  '30 */2 * * *',
  '0 */6 * * *',
  '59 */12 * * *',
  '0 */24 * * *',
  '0 0 * * *',
  '30 6 * * *',
  '59 23 * * *',
];
const CALENDAR = [
  '*/7 * * * *',
  '*/45 * * * *',
  '0 */5 * * *',
  '0 */7 * * *',
  '*/10 6 * * *',
  '*/10 */2 * * *',
  '* 6 * * *',
  '0,30 * * * *',
  '10-20 * * * *',
  '5/15 * * * *',
  '0 9-17 * * *',
  '0 6 * * 1',
  '0 6 * * 1-5',
  '0 0 1 * *',
  '0 0 31 * *',
  '0 12 1 1,7 *',
  '0 0 29 2 *',
  '15 3 13 * 5',
];

const times = fc
  .bigInt({ min: timeOf('1969-01-01'), max: timeOf('2035-01-01') })
  .chain((time) => fc.constantFrom(time, time - (time % 60_000_000n), time - (time % 86_400_000_000n)))
  .map(micros);

/** The ticks of cron-parser in [start, end], walked one by one from well before the start. */
function walked(cron: string, start: Micros, end: Micros): readonly Micros[] {
  const from = new Date(Math.floor(Number(start / 1000n)) - 1000);
  const walk = CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: from });
  const found: Micros[] = [];
  for (;;) {
    const tick = fromMillis(walk.next().getTime());
    if (tick > end) return found;
    if (tick >= start) found.push(tick);
  }
}

describe.each([...FIXED, ...CALENDAR])('the schedule %s', (cron) => {
  const schedule = scheduleOf(cron);
  const span = durationOf(cron.endsWith(' * * *') ? '50h' : '400d');

  test('ticks exactly where cron-parser does', () => {
    fc.assert(
      fc.property(times, (start) => {
        const end = micros(start + (cron.startsWith('*') ? durationOf('3h') : span));
        expect(schedule.ticks(start, end).map(formatTime)).toEqual(walked(cron, start, end).map(formatTime));
      }),
      { numRuns: 15 },
    );
  });

  test('has its neighbours of any time at ticks around it, with no tick between', () => {
    fc.assert(
      fc.property(times, (time) => {
        const [floor, ceil] = [schedule.floor(time), schedule.ceil(time)];
        expect(floor).toBeLessThanOrEqual(time);
        expect(ceil).toBeGreaterThanOrEqual(time);
        expect(schedule.ticks(floor, ceil)).toEqual(floor === ceil ? [floor] : [floor, ceil]);
        expect([schedule.ceil(floor), schedule.floor(ceil)]).toEqual([floor, ceil]);
        expect(schedule.floor(micros(floor - 1n))).toBeLessThan(floor);
        expect(schedule.ceil(micros(ceil + 1n))).toBeGreaterThan(ceil);
      }),
      { numRuns: 15 },
    );
  });
});

test('any minutes and hours, fixed or stepped, tick exactly where cron-parser does', () => {
  const field = (below: number) =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({ min: 0, max: below - 1 }).map(String),
      fc.integer({ min: 1, max: below }).map((every) => `*/${every}`),
    );
  fc.assert(
    fc.property(field(60), field(24), times, (minute, hour, start) => {
      const cron = `${minute} ${hour} * * *`;
      const end = micros(start + durationOf(minute === '*' ? '3h' : '26h'));
      expect(scheduleOf(cron).ticks(start, end).map(formatTime)).toEqual(
        walked(cron, start, end).map(formatTime),
      );
    }),
    { numRuns: 150 },
  );
});

describe('a schedule is refused', () => {
  test.each(['', '* * * *', '0 * * * * *', '@hourly', 'every hour'])('without five fields: "%s"', (cron) => {
    expect(parseSchedule(cron)).toEqual({
      ok: false,
      reason: 'a schedule has five fields: minute, hour, day of month, month, day of week',
    });
  });

  test.each([
    '0 0 30 2 *',
    '60 * * * *',
    '0 24 * * *',
    '0 0 0 * *',
    '* * * 13 *',
    '*/0 * * * *',
    '- * * * *',
    'a b c d e',
    '-5 * * * *',
    '1.5 * * * *',
  ])('when it never fires or cannot be read: "%s"', (cron) => {
    expect(parseSchedule(cron)).toMatchObject({ ok: false, reason: expect.stringContaining('never fires') });
  });

  test.each(['H * * * *', '0 H(0-5) * * *', '0 0 L * *', '0 0 * * 5#2', '? * * * *'])(
    'when it is one that others read otherwise, or never twice alike: "%s"',
    (cron) => {
      expect(parseSchedule(cron)).toMatchObject({
        ok: false,
        reason: expect.stringContaining('allowed are'),
      });
    },
  );

  test('but not one with names', () => {
    const parsed = parseSchedule('0 0 * jan-MAR mon,Fri');
    expect(parsed.ok && formatTime(parsed.schedule.ceil(timeOf('2026-04-01')))).toBe('2027-01-01T00:00:00Z');
  });

  test('nor one with odd spaces', () => {
    const parsed = parseSchedule('  30   6 * * *  ');
    expect(parsed.ok && formatTime(parsed.schedule.ceil(timeOf('2026-01-01')))).toBe('2026-01-01T06:30:00Z');
  });

  test('nor one that fires on the 29th of February only', () => {
    const parsed = parseSchedule('0 0 29 2 *');
    expect(parsed.ok && formatTime(parsed.schedule.floor(timeOf('2026-01-01')))).toBe('2024-02-29T00:00:00Z');
  });
});

describe('wholeIntervals', () => {
  test('keeps the ticks inside the range', () => {
    const range = { start: timeOf('2026-01-01T00:10:00Z'), end: timeOf('2026-01-01T05:00:00Z') };
    expect(wholeIntervals(scheduleOf('0 * * * *'), range)).toEqual({
      start: timeOf('2026-01-01T01:00:00Z'),
      end: timeOf('2026-01-01T05:00:00Z'),
    });
  });

  test('is undefined when not one interval fits', () => {
    const range = { start: timeOf('2026-01-01T00:10:00Z'), end: timeOf('2026-01-01T01:59:59Z') };
    expect(wholeIntervals(scheduleOf('0 * * * *'), range)).toBeUndefined();
  });
});
