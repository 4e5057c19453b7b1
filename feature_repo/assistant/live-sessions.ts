/**
 * Sends the state of fifty users' sessions, as an assistant would after each message. Of one minute the states are
 * always the same, so sending them again changes nothing.
 */
const USERS = 50;
const MODELS = ['base-3', 'small-2', 'large-3'] as const;

/** Says in a line what was pushed. Throws what the server answers when it does not take the rows. */
export async function pushSessions(url: string, now: Date): Promise<string> {
  const minute = Math.floor(now.getTime() / 60_000);
  const users = Array.from({ length: USERS }, (_, index) => index + 1);
  const messages = users.map((user) => 1 + ((user * 7 + minute) % 12));
  const response = await fetch(`${url}/push`, {
    method: 'POST',
    body: JSON.stringify({
      push_source_name: 'session_states',
      df: {
        user_id: users,
        session_id: users.map((user) => `s${user}-${Math.floor((minute + user) / 12)}`),
        messages,
        tokens: messages.map((count, index) => count * (180 + ((index * 37) % 90))),
        model: users.map((user) => MODELS[user % MODELS.length] ?? 'base-3'),
        event_timestamp: users.map(() => new Date(minute * 60_000).toISOString()),
      },
      to: 'online_and_offline',
    }),
  });
  if (!response.ok) throw new Error(`The push was refused: ${await response.text()}`);
  return `Pushed the sessions of ${USERS} users: served at once, and kept for training.`;
}
