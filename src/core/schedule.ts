import { CronExpressionParser } from 'cron-parser';
import type { Interval } from './interval.ts';
import { fromMillis, type Micros, toDate } from './time.ts';

/**
 * Intervals lie between two neighbouring ticks of a cron expression, read in UTC. They are never
 * stored one by one: ranges are, and ticks are walked only where work is cut.
 */
export interface Schedule {
  readonly cron: string;
  /** Set when all ticks are `offset` plus a whole number of `period`s, in microseconds since 1970. */
  readonly fixed: FixedPeriod | null;
  /** The first tick at or after `time`. */
  ceil(time: Micros): Micros;
  /** The last tick at or before `time`. */
  floor(time: Micros): Micros;
  /** All ticks in `[start, end]`, both ends included, ascending. */
  ticks(start: Micros, end: Micros): readonly Micros[];
}

export interface FixedPeriod {
  readonly period: bigint;
  readonly offset: bigint;
}

/** Undefined with a reason when the expression cannot be parsed or never fires. */
export function parseSchedule(
  cron: string,
): { ok: true; schedule: Schedule } | { ok: false; reason: string } {
  if (cron.trim().split(/\s+/).length !== 5) {
    return {
      ok: false,
      reason: 'a schedule has five fields: minute, hour, day of month, month, day of week',
    };
  }
  // What cron-parser reads besides is not for us: `H` is another minute each time, and Temporal reads no `L` or `#`.
  const foreign = cron.split(/[\s,/*-]+/).find((part) => !PLAIN.test(part));
  if (foreign !== undefined) {
    return {
      ok: false,
      reason: `it never fires or cannot be read ("${foreign}"; allowed are numbers, names such as JAN and MON, and * , - /)`,
    };
  }
  try {
    // A day that never comes (30 February) parses, and only fails when asked for its next tick.
    CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: new Date(0) }).next();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { ok: false, reason: `it never fires or cannot be read (${detail})` };
  }
  return { ok: true, schedule: scheduleOf(cron) };
}

const PLAIN = /^(\d*|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)$/i;

/** A schedule already checked when its definition was loaded. */
export function scheduleOf(cron: string): Schedule {
  const period = fixedPeriod(cron);
  return period === undefined ? cronSchedule(cron) : fixedSchedule(cron, period);
}

function cronSchedule(cron: string): Schedule {
  const from = (time: Micros) => CronExpressionParser.parse(cron, { tz: 'UTC', currentDate: toDate(time) });
  // cron-parser works in whole milliseconds and excludes the current date on both sides.
  const ceil = (time: Micros) =>
    fromMillis(
      from((ceilMillis(time) - 1000n) as Micros)
        .next()
        .getTime(),
    );
  const floor = (time: Micros) =>
    fromMillis(
      from((time + 1000n) as Micros)
        .prev()
        .getTime(),
    );
  return {
    cron,
    fixed: null,
    ceil,
    floor,
    ticks(start, end) {
      const found: Micros[] = [];
      const first = ceil(start);
      if (first > end) return found;
      found.push(first);
      const walk = from(first);
      for (
        let tick = fromMillis(walk.next().getTime());
        tick <= end;
        tick = fromMillis(walk.next().getTime())
      ) {
        found.push(tick);
      }
      return found;
    },
  };
}

/** Minutely, n-minutely, hourly, n-hourly and daily schedules, which are nearly all, need no calendar. */
function fixedPeriod(cron: string): FixedPeriod | undefined {
  const MINUTE = 60_000_000n;
  const [minute = '', hour = '', ...rest] = cron.trim().split(/\s+/);
  if (rest.some((field) => field !== '*')) return undefined;
  const step = (field: string, of: number) => {
    if (field === '*') return 1;
    const every = Number(/^\*\/(\d+)$/.exec(field)?.[1]);
    return Number.isInteger(every) && every > 0 && of % every === 0 ? every : undefined;
  };
  const fixed = (field: string, below: number) =>
    /^\d+$/.test(field) && Number(field) < below ? BigInt(Number(field)) : undefined;
  const everyMinutes = step(minute, 60);
  if (everyMinutes !== undefined && hour === '*')
    return { period: BigInt(everyMinutes) * MINUTE, offset: 0n };
  const atMinute = fixed(minute, 60);
  if (atMinute === undefined) return undefined;
  const everyHours = step(hour, 24);
  if (everyHours !== undefined)
    return { period: BigInt(everyHours) * 60n * MINUTE, offset: atMinute * MINUTE };
  const atHour = fixed(hour, 24);
  return atHour === undefined
    ? undefined
    : { period: 1440n * MINUTE, offset: (atHour * 60n + atMinute) * MINUTE };
}

function fixedSchedule(cron: string, fixed: FixedPeriod): Schedule {
  const { period, offset } = fixed;
  const floor = (time: Micros) => {
    const past = (((time - offset) % period) + period) % period;
    return (time - past) as Micros;
  };
  const ceil = (time: Micros) => {
    const tick = floor(time);
    return (tick === time ? tick : tick + period) as Micros;
  };
  return {
    cron,
    fixed,
    ceil,
    floor,
    ticks(start, end) {
      const found: Micros[] = [];
      for (let tick: bigint = ceil(start); tick <= end; tick += period) found.push(tick as Micros);
      return found;
    },
  };
}

/** The whole intervals of `schedule` inside `[start, end)`, as one range; undefined when not one fits. */
export function wholeIntervals(schedule: Schedule, range: Interval): Interval | undefined {
  const start = schedule.ceil(range.start);
  const end = schedule.floor(range.end);
  return start < end ? { start, end } : undefined;
}

function ceilMillis(time: Micros): bigint {
  const past = ((time % 1000n) + 1000n) % 1000n;
  return past === 0n ? time : time + 1000n - past;
}
