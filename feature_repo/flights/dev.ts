import { resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { fromMillis } from '../../src/core/time.ts';
import { devHooks } from '../../src/index.ts';
import { feedReplay, prepareReplay } from './replay.ts';

const liveDir = resolve(import.meta.dirname, process.env.FLIGHTS_LIVE_DIR ?? 'live');

/** The replay of 2013: prepared before the definitions load, then fed every five minutes. */
export const dev = devHooks({
  async prepare(now) {
    const { start, fed } = await prepareReplay({ liveDir, now: fromMillis(now.getTime()) });
    if (fed.kind === 'ended') return fed.message;
    return `Replaying the flights of 2013 as if they had begun on ${start.slice(0, 10)}: ${fed.flights} flights and ${fed.weather} weather readings became known since the last start.`;
  },
  feed: {
    everySeconds: 300,
    async run(now) {
      const fed = await feedReplay({ liveDir, now: fromMillis(now.getTime()) });
      if (fed.kind === 'ended') return fed.message;
      return fed.flights + fed.weather === 0
        ? null
        : `${fed.flights} flights and ${fed.weather} weather readings became known.`;
    },
  },
  // The label is known, and nothing of it may be in the features: they are those of two hours before departure.
  trainingSet: {
    query: `
      SELECT flight_id, predict_at AS event_timestamp, carrier, tailnum, origin, dest, distance, sched_dep_hour, dep_delay AS label
      FROM flight_schedule
      WHERE dep_delay IS NOT NULL
      ORDER BY predict_at, flight_id`,
    timestampField: 'event_timestamp',
    service: 'departure_delay_model',
    note: leakageNote,
  },
  reads: [
    {
      features: [
        'carrier_delays:flights_1d',
        'carrier_delays:avg_dep_delay_1d',
        'carrier_delays:cancelled_share_7d',
      ],
      entities: ['carrier=UA', 'carrier=AA', 'carrier=DL', 'carrier=B6'],
    },
    {
      features: [
        'route_history:flights_30d',
        'route_history:avg_dep_delay_30d',
        'route_history:stddev_dep_delay_30d',
      ],
      entities: ['origin=JFK,dest=LAX', 'origin=LGA,dest=ORD', 'origin=EWR,dest=SFO'],
    },
  ],
});

/** Looks up, for every flight of the training set, when its own outcome became known. */
async function leakageNote(): Promise<string> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const found = await connection.runAndReadAll(`
      SELECT count(*), count(*) FILTER (outcome.event_timestamp <= predict_at),
             min(date_diff('minute', predict_at, outcome.event_timestamp))
      FROM read_parquet('${liveDir}/schedule/*.parquet') AS flight
      JOIN read_parquet('${liveDir}/flights/*.parquet') AS outcome USING (flight_id)
      WHERE flight.dep_delay IS NOT NULL`);
    const [flights, leaked, minutes] = found.getRows()[0] ?? [];
    return `Own outcomes known at the time of the features: ${leaked} of ${Number(flights).toLocaleString('en-US')} flights; the earliest became known ${minutes} minutes after.`;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
