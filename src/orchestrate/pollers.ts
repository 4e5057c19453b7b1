import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { taskQueueOf } from './ids.ts';

/** A long poll lasts a minute; who has not asked for longer than that is gone. */
const POLL_MILLIS = 70_000;

/**
 * Whether somebody works for a project. The server remembers pollers for minutes after they died, so those of
 * this machine are asked for by their process id, which their identity holds (`host:pid:…`).
 */
export async function hasWorker(client: Client, project: string, now: number = Date.now()): Promise<boolean> {
  const described = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueueOf(project) },
    taskQueueType: 1, // workflow tasks
  });
  return (described.pollers ?? []).some(({ identity, lastAccessTime }) => {
    const asked = Number(lastAccessTime?.seconds ?? 0) * 1000;
    return now - asked < POLL_MILLIS && isAlive(identity ?? '');
  });
}

function isAlive(identity: string): boolean {
  const [host, pid] = identity.split(':');
  if (host !== hostname()) return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}
