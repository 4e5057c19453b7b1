/**
 * The SQL of the generated events, pure text.
 *
 * Every draw is a hash of (seed, what is drawn, for whom), never a sequence: an event depends on its user and its
 * absolute day alone. So a longer period, a later end or more users only add rows.
 */
export interface EventSpan {
  readonly seed: number;
  readonly users: number;
  /** Microseconds since 1970, UTC; events of `[from, until)` that were written before `until`. */
  readonly from: bigint;
  readonly until: bigint;
}

/** Events are written less than this many seconds after they happen; a `dataDelay` of 10m covers it. */
export const MAX_LAG_SECONDS = 120;

/** Each with its share of the users who prefer it. */
const MODELS = [
  ['base-3', 0.5],
  ['small-2', 0.25],
  ['large-3', 0.17],
  ['reason-1', 0.08],
] as const;

const TOOLS = ['search', 'search', 'code', 'code', 'browser', 'calendar', 'image'] as const;

const DAY_MICROS = 86_400_000_000n;

/** A table `events`, in the order of the files. */
export function eventsSql({ seed, users, from, until }: EventSpan): string {
  const draw = (what: string, ...keys: readonly string[]): string =>
    `((hash(${[seed, `'${what}'`, ...keys].join(', ')}) >> 11) / 9007199254740992.0)`;
  // Sessions of the day before reach into the first day, and users' days differ from UTC's by up to 11 hours.
  const firstDay = from / DAY_MICROS - 2n;
  const lastDay = until / DAY_MICROS + 1n;
  return `
CREATE TEMP TABLE events AS
WITH people AS (
  SELECT user_id,
    least(12.0, 0.25 * pow(1 - ${draw('rate', 'user_id')}, -1 / 1.3)) AS sessions_per_day,
    (['-8', '-5', '0', '1', '1', '5', '9']::INT[])[1 + floor(${draw('zone', 'user_id')} * 7)::INT] AS zone_hours,
    ${pickModel(draw('model', 'user_id'))} AS preferred_model,
    0.4 + 1.2 * ${draw('talk', 'user_id')} AS talkativeness,
    0.1 + 0.5 * ${draw('tools', 'user_id')} AS tool_share
  FROM (SELECT unnest(range(1, ${users} + 1)) AS user_id)
), weeks AS (
  -- Some weeks a user is away: what a churn model has to see.
  SELECT *, (day + 3) // 7 AS week, (day + 3) % 7 >= 5 AS weekend
  FROM people, (SELECT unnest(range(${firstDay}, ${lastDay})) AS day)
), days AS (
  SELECT *, CASE WHEN ${draw('away', 'user_id', 'week')} < 0.15 THEN 0
    ELSE floor(sessions_per_day * (0.5 + ${draw('mood', 'user_id', 'week')}) * if(weekend, 0.5, 1.2)
      + ${draw('count', 'user_id', 'day')}) END::BIGINT AS sessions
  FROM weeks
), starts AS (
  SELECT *, unnest(range(sessions)) AS nth FROM days WHERE sessions > 0
), sessions AS (
  SELECT user_id, tool_share, 'u' || user_id || '-d' || day || '-' || nth AS session_id,
    (day * 86400 + 3600 * (7 - zone_hours + 16 * (
      ${draw('hour1', 'user_id', 'day', 'nth')} + ${draw('hour2', 'user_id', 'day', 'nth')}) / 2)) AS started,
    if(${draw('loyal', 'user_id', 'day', 'nth')} < 0.85, preferred_model,
      ${pickModel(draw('other', 'user_id', 'day', 'nth'))}) AS model,
    1 + floor(-ln(1 - ${draw('turns', 'user_id', 'day', 'nth')}) * 6 * talkativeness)::BIGINT AS turns,
    15 + 60 * ${draw('gap', 'user_id', 'day', 'nth')} AS gap,
    30 * ${draw('rest', 'user_id', 'day', 'nth')} AS rest
  FROM starts
), turns AS (
  SELECT *, unnest(range(turns)) AS turn FROM sessions
), messages AS (
  SELECT *, started + 5 + (turn + 0.8 * ${draw('pause', 'session_id', 'turn')}) * gap AS happened_at FROM turns
), happened AS (
  SELECT user_id, session_id, 0 AS ordinal, 'session_start' AS event_type, started AS happened_at,
    NULL::DOUBLE AS duration_sec, model, NULL AS tool, 0 AS tokens FROM sessions
  UNION ALL
  SELECT user_id, session_id, 2 * turn + 1, 'message', happened_at, NULL, model, NULL,
    floor(60 * exp(3.5 * ${draw('tokens', 'session_id', 'turn')})) FROM messages
  UNION ALL
  SELECT user_id, session_id, 2 * turn + 2, 'tool_use', happened_at + 0.1 * gap, NULL, model,
    ([${TOOLS.map((tool) => `'${tool}'`).join(', ')}])[1 + floor(${draw('tool', 'session_id', 'turn')} * ${TOOLS.length})::INT],
    floor(20 * exp(2 * ${draw('toolTokens', 'session_id', 'turn')}))
  FROM messages WHERE ${draw('uses', 'session_id', 'turn')} < tool_share
  UNION ALL
  SELECT user_id, session_id, 2 * turns + 1, 'session_end', started + 5 + turns * gap + rest,
    round(5 + turns * gap + rest, 3), model, NULL, 0 FROM sessions
), stamped AS (
  SELECT *, make_timestamp(round(happened_at * 1000)::BIGINT * 1000) AS event_timestamp,
    to_milliseconds(floor(pow(${draw('lag', 'session_id', 'ordinal')}, 4) * ${MAX_LAG_SECONDS * 1000})::BIGINT) AS lag
  FROM happened
)
SELECT session_id || '-' || ordinal AS event_id, user_id::BIGINT AS user_id, session_id, event_timestamp,
  event_timestamp + lag AS created_at, event_type, duration_sec, model, tool, tokens::BIGINT AS tokens
FROM stamped
WHERE event_timestamp >= make_timestamp(${from}) AND event_timestamp + lag < make_timestamp(${until})
ORDER BY event_timestamp, session_id, ordinal`;
}

/** A model by the shares of preference; `draw` is in [0, 1). */
function pickModel(draw: string): string {
  let reached = 0;
  const branches = MODELS.map(([model, share]) => {
    reached += share;
    return `WHEN ${draw} < ${reached.toFixed(4)} THEN '${model}'`;
  });
  return `CASE ${branches.join(' ')} ELSE '${MODELS[0][0]}' END`;
}
