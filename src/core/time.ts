/**
 * Time in Tidemark is UTC microseconds since 1970-01-01T00:00:00Z, as a branded bigint.
 *
 * A bigint because the offline engine and Postgres both keep microseconds, and a JavaScript number stops being
 * exact in 2255 (a `validTo` of 9999-12-31 is common). The brand is made here and nowhere else.
 */
export type Micros = bigint & { readonly __micros: unique symbol };

/** A length of time in microseconds; never negative. */
export type DurationMicros = bigint & { readonly __duration: unique symbol };

/** Reads the present; passed in wherever the present matters, so that rules stay pure. */
export type Clock = () => Micros;

export const systemClock: Clock = () => fromMillis(Date.now());

export function micros(value: bigint): Micros {
  return value as Micros;
}

export function fromMillis(millis: number): Micros {
  return (BigInt(Math.trunc(millis)) * 1000n) as Micros;
}

/** Truncates towards the past: a Date holds whole milliseconds. */
export function toDate(time: Micros): Date {
  const floor = time >= 0n ? time / 1000n : (time - 999n) / 1000n;
  return new Date(Number(floor));
}

export function addDuration(time: Micros, duration: DurationMicros): Micros {
  return (time + duration) as Micros;
}

export function subtractDuration(time: Micros, duration: DurationMicros): Micros {
  return (time - duration) as Micros;
}

/** The time from `earlier` to `later`, zero if it would be negative. */
export function elapsed(earlier: Micros, later: Micros): DurationMicros {
  return (later > earlier ? later - earlier : 0n) as DurationMicros;
}

export function earliest(a: Micros, b: Micros): Micros {
  return a < b ? a : b;
}

export function latest(a: Micros, b: Micros): Micros {
  return a > b ? a : b;
}

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6})\d*)?)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i;

/**
 * Parses an ISO 8601 date or timestamp, keeping microseconds. Without a zone it is UTC.
 * Returns undefined when the text is not a time (also for days that do not exist, such as 2026-02-30).
 */
export function parseTime(text: string): Micros | undefined {
  const match = ISO.exec(text.trim());
  if (match === null) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = match;
  // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
  const check = new Date(0);
  check.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (check.getUTCMonth() !== Number(month) - 1 || check.getUTCDate() !== Number(day)) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const wholeSeconds =
    BigInt(check.getTime()) / 1000n + BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(second));
  const offset = zoneOffsetSeconds(zone);
  if (offset === undefined) return undefined;
  return ((wholeSeconds - offset) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))) as Micros;
}

function zoneOffsetSeconds(zone: string): bigint | undefined {
  if (zone.toUpperCase() === 'Z') return 0n;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(':', '') || '0');
  if (hours > 15 || minutes > 59) return undefined;
  const seconds = BigInt(hours * 3600 + minutes * 60);
  return zone.startsWith('-') ? -seconds : seconds;
}

/** ISO 8601 in UTC with `Z`; fractions only when there are any: `2026-01-01T00:00:00Z`, `…:00.000001Z`. */
export function formatTime(time: Micros): string {
  const millis = toDate(time);
  const whole = millis.toISOString().slice(0, -5);
  const fraction = ((time % 1_000_000n) + 1_000_000n) % 1_000_000n;
  if (fraction === 0n) return `${whole}Z`;
  return `${whole}.${fraction.toString().padStart(6, '0').replace(/0+$/, '')}Z`;
}

const UNIT_MICROS = {
  w: 604_800_000_000n,
  d: 86_400_000_000n,
  h: 3_600_000_000n,
  m: 60_000_000n,
  s: 1_000_000n,
  ms: 1000n,
  us: 1n,
} as const;

/**
 * Parses `90s`, `10m`, `26h`, `7d`, `2w`, `500ms` or a sum such as `1h30m` (a day is 24 hours: time is UTC).
 * Returns undefined when the text is not a duration.
 */
export function parseDuration(text: string): DurationMicros | undefined {
  if (!/^(\d+(ms|us|[wdhms]))+$/.test(text)) return undefined;
  let total = 0n;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|us|[wdhms])/g)) {
    total += BigInt(count ?? '0') * UNIT_MICROS[unit as keyof typeof UNIT_MICROS];
  }
  return total as DurationMicros;
}

/** A duration already checked when its definition was loaded. */
export function durationOf(text: string): DurationMicros {
  const parsed = parseDuration(text);
  if (parsed === undefined) throw new RangeError(`"${text}" is not a duration such as 90s, 10m, 26h or 7d`);
  return parsed;
}

/** A time already checked when it entered the system. */
export function timeOf(text: string): Micros {
  const parsed = parseTime(text);
  if (parsed === undefined) throw new RangeError(`"${text}" is not an ISO 8601 time`);
  return parsed;
}

/** The two largest units, for people: `1h30m`, `3d4h`, `250ms`. */
export function formatDuration(duration: DurationMicros): string {
  let rest: bigint = duration;
  const parts: string[] = [];
  for (const unit of ['d', 'h', 'm', 's', 'ms', 'us'] as const) {
    const count = rest / UNIT_MICROS[unit];
    rest %= UNIT_MICROS[unit];
    if (count > 0n) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join('') || '0s';
}
