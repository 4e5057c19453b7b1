import { answerConnections } from './answer-connections.ts';
import type { AppDependencies } from './dependencies.ts';
import { openDoor } from './door.ts';

export interface ServeOptions extends AppDependencies {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** How long `close` goes on letting connections in, while /health is 503; default 0. */
  readonly graceMillis?: number;
}

export interface RunningServer {
  /** `http://127.0.0.1:6567` */
  readonly url: string;
  /**
   * After the grace it lets nobody in, answers what comes on the connections it has, and ends when they are gone;
   * connections on which nothing comes are kept a second (of the time in which it is not busy itself), all others 25
   * seconds at most. What was given to it stays open.
   */
  close(): Promise<void>;
}

/** Listens until closed. CONFIG_INVALID when the address cannot be used (taken, not ours). */
export async function serve({ host, port, graceMillis = 0, ...deps }: ServeOptions): Promise<RunningServer> {
  const answering = await answerConnections(deps);
  const onError = (err: Error) => deps.log?.error({ err }, 'a connection could not be let in');
  const door = await openDoor({ host, port, take: answering.take, onError }).catch(async (error: unknown) => {
    await answering.close();
    throw error;
  });
  return {
    url: door.url,
    async close() {
      await lameDuck(graceMillis, answering.leave);
      await door.close();
      await answering.close();
    },
  };
}

/** Without a grace nobody is sent away before the door is closed: they would come back through it. */
export async function lameDuck(graceMillis: number, leave: () => void): Promise<void> {
  if (graceMillis === 0) return;
  leave();
  await new Promise((resolve) => setTimeout(resolve, graceMillis));
}
