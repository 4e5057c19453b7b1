import { resolve } from 'node:path';
import { devHooks } from '../../src/index.ts';
import { generateEvents } from './generate.ts';
import { pushSessions } from './live-sessions.ts';

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
  // Fifty users are in a session: their state is pushed, and served as soon as the push is answered.
  onServing: (url, now) => pushSessions(url, now),
  feed: {
    everySeconds: 10,
    async run(now, url) {
      await pushSessions(url, now);
      return null;
    },
  },
  reads: [
    { service: 'churn_model', entities: ['user_id=1', 'user_id=2', 'user_id=3'] },
    { service: 'assistant_now', entities: ['user_id=1', 'user_id=2', 'user_id=2000'] },
  ],
});
