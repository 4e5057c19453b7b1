import type { PoolClient } from 'pg';
import type { PostgresPool, Query } from './pool.ts';

/** All registries of a database share it: what a message is about stands in its payload. */
const CHANNEL = 'tidemark_registry';
const RETRY_MILLIS = [50, 100, 200, 500, 1000, 2000] as const;
/** How often a connection that says nothing is asked whether it is still there. */
const PROBE_MILLIS = 15_000;

/** Tells listeners that the project changed, if and when the transaction commits. */
export async function notifyChange(query: Query, project: string): Promise<void> {
  await query(`select pg_notify('${CHANNEL}', current_schema() || ' ' || $1)`, [project]);
}

/**
 * Calls `onChange` after every committed change of the project, and after every time when it may have missed one: as
 * soon as it listens, when its connection is lost, and when it listens again. Holds one connection of the pool.
 * Returns how it ends.
 */
export function listenForChanges(
  pool: PostgresPool,
  project: string,
  onChange: () => void,
): () => Promise<void> {
  let closed = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let release: ((broken: boolean) => void) | undefined;
  let connecting: Promise<void> = Promise.resolve();

  const lost = () => {
    if (release === undefined) return;
    release(true);
    onChange();
    retry();
  };
  const retry = () => {
    if (closed) return;
    const wait = RETRY_MILLIS[Math.min(failures, RETRY_MILLIS.length - 1)];
    failures += 1;
    timer = setTimeout(() => {
      connecting = start().catch(retry);
    }, wait).unref();
  };
  async function start(): Promise<void> {
    const client = await pool.connect();
    if (closed || pool.ending) {
      client.release();
      return;
    }
    const probe = setInterval(() => void client.query('select 1').catch(lost), PROBE_MILLIS).unref();
    release = (broken) => {
      release = undefined;
      clearInterval(probe);
      client.removeAllListeners('notification');
      client.off('end', lost);
      client.release(broken);
    };
    client.once('end', lost);
    try {
      await listen(client, project, onChange);
    } catch (error) {
      // `end` may have been faster.
      release?.(true);
      throw error;
    }
    failures = 0;
    onChange();
  }
  connecting = start().catch(retry);

  return async () => {
    closed = true;
    clearTimeout(timer);
    await connecting;
    // Thrown away, so that nobody is given a connection that listens.
    release?.(true);
  };
}

async function listen(client: PoolClient, project: string, onChange: () => void): Promise<void> {
  const { rows } = await client.query<{ schema: string }>('select current_schema() as schema');
  const about = `${rows[0]?.schema} ${project}`;
  client.on('notification', ({ payload }) => {
    if (payload === about) onChange();
  });
  await client.query(`listen ${CHANNEL}`);
}
