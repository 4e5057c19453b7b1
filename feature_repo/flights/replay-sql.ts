/** The SQL of the replay, pure text: the committed year, shifted, with the time at which each row became known. */
import { formatTime, type Micros } from '../../src/core/time.ts';

export type Feed = 'flights' | 'weather';

/** Rows become known less than this many seconds after they happened; a `dataDelay` of 5m covers it. */
export const MAX_LAG_SECONDS = 240;

const KNUTH = 2_654_435_761;

export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function timestamp(time: Micros): string {
  return `TIMESTAMP ${quote(formatTime(time).slice(0, -1))}`;
}

/** Seconds between a row and its being known: fixed per row, spread evenly; own arithmetic, not the engine's hash. */
const lag = (id: string): string => `to_seconds((${id}) * ${KNUTH} % 4294967296 % ${MAX_LAG_SECONDS})`;

const shiftOf = (shiftWeeks: number): string => `to_days(${shiftWeeks * 7})`;

function flightsSql(file: string, shiftWeeks: number): string {
  const shift = shiftOf(shiftWeeks);
  return `SELECT * REPLACE (
    scheduled_departure + ${shift} AS scheduled_departure, scheduled_arrival + ${shift} AS scheduled_arrival,
    departed_at + ${shift} AS departed_at, arrived_at + ${shift} AS arrived_at,
    event_timestamp + ${shift} AS event_timestamp),
  event_timestamp + ${shift} + ${lag('flight_id')} AS created_at
FROM read_parquet(${quote(file)})`;
}

function weatherSql(file: string, shiftWeeks: number): string {
  const shift = shiftOf(shiftWeeks);
  const id = `epoch_us(event_timestamp) // 3600000000 * 3 + instr('EJL', origin[1])`;
  return `SELECT * REPLACE (event_timestamp + ${shift} AS event_timestamp),
  event_timestamp + ${shift} + ${lag(id)} AS created_at
FROM read_parquet(${quote(file)})`;
}

/** All rows of a feed after the shift, with `created_at`. */
export function shiftedSql(feed: Feed, file: string, shiftWeeks: number): string {
  return feed === 'flights' ? flightsSql(file, shiftWeeks) : weatherSql(file, shiftWeeks);
}

/** The rows that became known in `[from, until)`. */
export function knownSql(rows: string, from: Micros, until: Micros): string {
  return `FROM (${rows}) WHERE created_at >= ${timestamp(from)} AND created_at < ${timestamp(until)}
ORDER BY event_timestamp, created_at`;
}

/** A table that does not change, stamped with the replay's start. */
export function staticSql(file: string, start: Micros): string {
  return `SELECT *, ${timestamp(start)} AS event_timestamp FROM read_parquet(${quote(file)})`;
}

/** First days of the months whose scheduled flights changed in `[from, until)`: came into sight, or got an outcome. */
export function changedMonthsSql(flights: string, from: Micros, until: Micros): string {
  const [a, b] = [timestamp(from), timestamp(until)];
  return `SELECT DISTINCT strftime(scheduled_departure, '%Y-%m') FROM (${flights})
WHERE (created_at >= ${a} AND created_at < ${b})
  OR (scheduled_departure >= ${a} + INTERVAL 1 DAY AND scheduled_departure < ${b} + INTERVAL 1 DAY) ORDER BY 1`;
}

/**
 * The flights of a month (`2026-07`) as known at scheduling time, up to a day ahead. The labels `dep_delay` and
 * `cancelled` are null until the outcome is known; `predict_at` is when a prediction is made.
 */
export function scheduleSql(flights: string, month: string, until: Micros): string {
  const known = `created_at < ${timestamp(until)}`;
  return `SELECT flight_id, carrier, flight, tailnum, origin, dest, distance, sched_dep_hour, scheduled_departure,
  scheduled_departure - INTERVAL 2 HOUR AS predict_at,
  CASE WHEN ${known} THEN dep_delay END AS dep_delay, CASE WHEN ${known} THEN cancelled END AS cancelled
FROM (${flights}) WHERE strftime(scheduled_departure, '%Y-%m') = ${quote(month)}
  AND scheduled_departure < ${timestamp(until)} + INTERVAL 1 DAY
ORDER BY scheduled_departure, flight_id`;
}
