import { resolve } from 'node:path';
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
