import { avg, batchFeatureView, between, collectList, count, last, ratio, stddev } from '../../src/index.ts';
import { airport, carrier, plane, route } from './entities.ts';
import { DATA_BEGINS } from './live.ts';
import { flightOutcomes, weatherReadings } from './sources.ts';

const owner = 'flights@example.com';

export const carrierDelays = batchFeatureView({
  name: 'carrier_delays',
  version: 1,
  entities: [carrier],
  source: flightOutcomes,
  schedule: '0 * * * *',
  startTime: DATA_BEGINS,
  dataDelay: '10m',
  aggregations: {
    flights_1d: count('1d'),
    avg_dep_delay_1d: avg('dep_delay', '1d'),
    avg_dep_delay_7d: avg('dep_delay', '7d'),
    cancelled_share_1d: ratio(count('1d', { where: 'cancelled' }), count('1d')),
    cancelled_share_7d: ratio(count('7d', { where: 'cancelled' }), count('7d')),
  },
  ttl: '2d',
  freshnessSla: '2h',
  quality: [between('cancelled_share_7d', 0, 1)],
  owner,
  tags: { team: 'operations' },
  description: 'How late an airline has been running, and how much it cancels',
});

export const planeRecent = batchFeatureView({
  name: 'plane_recent',
  version: 1,
  entities: [plane],
  source: flightOutcomes,
  schedule: '0 8 * * *',
  startTime: DATA_BEGINS,
  dataDelay: '10m',
  aggregations: {
    flights_24h: count('24h'),
    last_dep_delays: collectList<'array<float64>'>('dep_delay', 5, '14d'),
    last_dest: last<'string'>('dest', '14d'),
  },
  ttl: '14d',
  freshnessSla: '26h',
  owner,
  tags: { team: 'fleet' },
  description: 'What an aircraft has been through lately',
});

export const routeHistory = batchFeatureView({
  name: 'route_history',
  version: 1,
  entities: [route],
  source: flightOutcomes,
  schedule: '0 6 * * *',
  startTime: DATA_BEGINS,
  dataDelay: '10m',
  aggregations: {
    flights_30d: count('30d'),
    avg_dep_delay_30d: avg('dep_delay', '30d'),
    stddev_dep_delay_30d: stddev('dep_delay', '30d'),
  },
  ttl: '7d',
  freshnessSla: '26h',
  owner,
  tags: { team: 'network' },
  description: 'A month of delays between two airports',
});

/** Plain SQL: row-wise in time, so one query may span any number of days. */
export const airportDay = batchFeatureView({
  name: 'airport_day',
  version: 1,
  entities: [airport],
  sources: [flightOutcomes],
  sql: `
    SELECT
      origin,
      max(event_timestamp) AS event_timestamp,
      max(created_at) AS created_at,
      count(*) AS flights,
      avg(dep_delay) AS avg_dep_delay,
      quantile_cont(dep_delay, 0.9) AS p90_dep_delay
    FROM flight_outcomes
    WHERE event_timestamp >= $interval_start AND event_timestamp < $interval_end
    GROUP BY origin, date_trunc('day', event_timestamp)
  `,
  createdTimestampField: 'created_at',
  features: { flights: 'int64', avg_dep_delay: 'float64', p90_dep_delay: 'float64' },
  schedule: '0 0 * * *',
  startTime: DATA_BEGINS,
  dataDelay: '10m',
  ttl: '3d',
  freshnessSla: '26h',
  owner,
  tags: { team: 'operations' },
  description: 'How an airport of departure did on its last whole day',
});

/** Readings pass through as they are. */
export const weather = batchFeatureView({
  name: 'weather',
  version: 1,
  entities: [airport],
  source: weatherReadings,
  features: {
    temp: 'float64',
    wind_speed: 'float64',
    wind_gust: 'float64',
    precip: 'float64',
    visib: 'float64',
  },
  schedule: '0 * * * *',
  startTime: DATA_BEGINS,
  dataDelay: '10m',
  ttl: '3h',
  freshnessSla: '2h',
  owner,
  tags: { team: 'operations' },
  description: 'The last weather reading at an airport of departure',
});
