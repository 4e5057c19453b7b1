import { resolve } from 'node:path';
import { devHooks } from '../../src/index.ts';
import { generateEvents } from './generate.ts';

const outDir = resolve(import.meta.dirname, process.env.ASSISTANT_LIVE_DIR ?? 'live');

/** Sixty days of generated events, up to the last full hour. */
export const dev = devHooks({
  async prepare() {
    const { events, files } = await generateEvents({ outDir });
    return `Generated ${events} events of 2,000 users in ${files.length} files.`;
  },
  // Who is away for the week that follows has churned.
  trainingSet: {
    query: `
      WITH horizon AS (SELECT max(event_timestamp) AS until FROM events)
      SELECT
        user_id,
        until - INTERVAL 7 DAY AS event_timestamp,
        max(events.event_timestamp) <= until - INTERVAL 7 DAY AS churned
      FROM events, horizon
      GROUP BY user_id, until
      ORDER BY user_id`,
    timestampField: 'event_timestamp',
    service: 'churn_model',
  },
  reads: [{ service: 'churn_model', entities: ['user_id=1', 'user_id=2', 'user_id=3'] }],
});
