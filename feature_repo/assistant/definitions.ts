import {
  avg,
  batchFeatureView,
  count,
  countDistinct,
  entity,
  featureService,
  mode,
  parquetSource,
  project,
  pushSource,
  streamFeatureView,
  sum,
} from '../../src/index.ts';

/** Relative to this folder; another place by ASSISTANT_LIVE_DIR. */
const LIVE_DIR = process.env.ASSISTANT_LIVE_DIR ?? 'live';

export const assistant = project({
  name: 'assistant',
  description: 'How people use an AI assistant',
  owner: 'growth@example.com',
});

export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });

/** Made by `generate.ts` beside this file. */
export const events = parquetSource({
  name: 'events',
  path: `${LIVE_DIR}/events/*.parquet`,
  timestampField: 'event_timestamp',
  createdTimestampField: 'created_at',
  columns: { user_id: 'int64', session_id: 'string', event_type: 'string', tokens: 'int64' },
});

export const userActivity = batchFeatureView({
  name: 'user_activity',
  version: 1,
  entities: [user],
  source: events,
  schedule: '0 0 * * *',
  startTime: '2026-09-01T00:00:00Z',
  dataDelay: '10m',
  aggregations: {
    sessions_7d: countDistinct('session_id', '7d'),
    avg_session_duration_sec: avg('duration_sec', '7d'),
    messages_sent_7d: count('7d', { where: "event_type = 'message'" }),
    tools_used_7d: countDistinct('tool', '7d'),
    preferred_model: mode<'string'>('model', '7d', { where: "event_type = 'message'" }),
    total_tokens_7d: sum('tokens', '7d', { type: 'int64' }),
  },
  ttl: '7d',
  freshnessSla: '26h',
  owner: 'growth@example.com',
  tags: { team: 'growth' },
  description: 'A week of a user: sessions, messages, tools, tokens and the model they like',
});

/** What a running session tells of itself after each message: `live-sessions.ts` beside this file sends some. */
export const sessionStates = pushSource({
  name: 'session_states',
  columns: {
    user_id: 'int64',
    session_id: 'string',
    messages: 'int32',
    tokens: 'int64',
    model: 'string',
  },
  timestampField: 'event_timestamp',
});

export const userRealtime = streamFeatureView({
  name: 'user_realtime',
  version: 1,
  entities: [user],
  source: sessionStates,
  startTime: '2026-09-01T00:00:00Z',
  features: { session_id: 'string', messages: 'int64', tokens: 'int64', model: 'string' },
  ttl: '1h',
  freshnessSla: '10m',
  owner: 'growth@example.com',
  tags: { team: 'growth' },
  description: 'The session that a user is in, as of its last message',
});

export const churnModel = featureService({
  name: 'churn_model',
  features: [userActivity],
  owner: 'growth@example.com',
  description: 'Predicts whether a user stops coming',
});

export const assistantNow = featureService({
  name: 'assistant_now',
  features: [userRealtime, userActivity.pick('sessions_7d', 'preferred_model')],
  owner: 'growth@example.com',
  description: 'What answers a user: the session they are in, and their habits',
});
