import { parquetSource } from '../../src/index.ts';
import { LIVE_DIR } from './live.ts';

/** One row per flight, written when its outcome is known: it has arrived, or was cancelled. */
export const flightOutcomes = parquetSource({
  name: 'flight_outcomes',
  path: `${LIVE_DIR}/flights/*.parquet`,
  timestampField: 'event_timestamp',
  createdTimestampField: 'created_at',
  columns: { carrier: 'string', tailnum: 'string', origin: 'string', dest: 'string', dep_delay: 'float64' },
  owner: 'flights@example.com',
});

/** Hourly readings at the airports of departure. */
export const weatherReadings = parquetSource({
  name: 'weather_readings',
  path: `${LIVE_DIR}/weather/*.parquet`,
  timestampField: 'event_timestamp',
  createdTimestampField: 'created_at',
  owner: 'flights@example.com',
});

/** Flights up to a day ahead, and how late they left once that is known: the spine of training sets. */
export const flightSchedule = parquetSource({
  name: 'flight_schedule',
  path: `${LIVE_DIR}/schedule/*.parquet`,
  timestampField: 'predict_at',
  owner: 'flights@example.com',
});
