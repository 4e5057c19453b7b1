import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { taskQueueOf } from './ids.ts';

/** A long poll lasts a minute; who has not asked for longer than that is gone. */
const POLL_MILLIS = 70_000;

/** The identities of workers that run in this very process, each with how many there are. */
const here = new Map<string, number>();

/** Remembers a worker of this process until the function that is returned is called. */
export function workerHere(identity: string): () => void {
  here.set(identity, (here.get(identity) ?? 0) + 1);
  return () => {
    const left = (here.get(identity) ?? 1) - 1;
    if (left > 0) here.set(identity, left);
    else here.delete(identity);
  };
}

/**
 * Whether somebody works for a project. The server remembers pollers for minutes after they died or stopped, so those
 * of this machine are asked for by their process id, which their identity holds (`host:pid:…`), and those of this
 * process by what runs in it.
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
  // A process lives longer than its workers; and one in a new container may have the number of one that was killed.
  if (Number(pid) === process.pid) return here.has(identity);
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
