import { openRedis, type RedisConnectionOptions } from './redis-client.ts';
import { ReplyParser } from './reply-parser.ts';

/** Takes the reply to command number `index`: bytes that belong to somebody else, `start` −1 for nil. */
export type ReplyTaker = (index: number, bytes: Buffer, start: number, end: number) => void;

/** A connection for reads alone: no script or scan stands in their way, and replies are taken as they arrive. */
export interface ReadConnection {
  /**
   * Sends the bytes of `count` commands at once and hands each reply to `take`, while later ones are still under
   * way. Rejects with what `take` throws, or STORE_UNAVAILABLE: at once while Redis is away or does not answer.
   */
  askAll(commands: Buffer, count: number, take: ReplyTaker): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

interface Asked {
  readonly count: number;
  readonly take: ReplyTaker;
  readonly done: () => void;
  readonly fail: (error: unknown) => void;
  readonly since: number;
  taken: number;
  /** The first thing that went wrong; its caller is told when all replies are there. */
  error: unknown;
  /** Its caller was told that it took too long; the replies that still come are nobody's. */
  overdue: boolean;
}

/** Nobody waits for a connection to be made again: it may take its time. */
const CONNECT_MILLIS = 5000;
/** Of a read whose replies do not end, though some come all the time. */
const MOST_TIMEOUTS = 5;
const PING = Buffer.from('*1\r\n$4\r\nPING\r\n');

/** STORE_UNAVAILABLE when it cannot be reached now, CONFIG_INVALID when the URL is none. */
export async function connectForReads(options: RedisConnectionOptions): Promise<ReadConnection> {
  const { timeoutMs } = options;
  const waiting: Asked[] = [];
  let timer: NodeJS.Timeout | undefined;
  let heardAt = 0;

  const finish = (asked: Asked) => {
    if (asked.overdue) return;
    if (asked.error === undefined) asked.done();
    else asked.fail(asked.error);
  };
  const replied = (work: (asked: Asked) => void) => {
    const asked = waiting[0];
    if (asked === undefined) throw new RangeError('a reply came that nobody asked for');
    try {
      if (!asked.overdue && asked.error === undefined) work(asked);
    } catch (error) {
      asked.error = error;
    }
    asked.taken += 1;
    if (asked.taken === asked.count) {
      waiting.shift();
      finish(asked);
    }
  };

  const { redis, failure } = await openRedis(
    { ...options, timeoutMs: Math.max(timeoutMs, CONNECT_MILLIS) },
    (client) => {
      // The client greets the server (TLS, AUTH, SELECT); from then on the stream and its replies are ours.
      client.redis.on('ready', () => {
        const { stream } = client.redis;
        const parser = new ReplyParser({
          value: (bytes, start, end) => replied((asked) => asked.take(asked.taken, bytes, start, end)),
          error(message) {
            replied(() => {
              throw client.failure(Object.assign(new Error(message), { name: 'ReplyError' }));
            });
          },
        });
        stream.removeAllListeners('data');
        stream.on('data', (chunk: Buffer) => {
          heardAt = performance.now();
          try {
            parser.write(chunk);
          } catch (error) {
            stream.destroy(error instanceof Error ? error : undefined);
          }
        });
      });
      client.redis.on('close', () => {
        for (const asked of waiting.splice(0)) {
          asked.error ??= client.failure(new Error('the connection was lost'));
          finish(asked);
        }
      });
    },
  );

  function watchTime(): void {
    // A process that was busy itself looks first at what has come meanwhile.
    timer ??= setTimeout(() => setImmediate(judgeTime), timeoutMs / 4).unref();
  }

  function judgeTime(): void {
    timer = undefined;
    const now = performance.now();
    const late = now - timeoutMs;
    // While replies come, to whomever, the server is there: they stand in one line, and this process reads them in turn.
    const isSilent = heardAt <= late;
    for (const asked of waiting) {
      if (asked.since > (isSilent ? late : now - MOST_TIMEOUTS * timeoutMs) || asked.overdue) continue;
      asked.overdue = true;
      asked.fail(failure(new Error(`it did not answer within ${timeoutMs} ms`)));
    }
    // Nothing at all for so long: the other side may have gone without a word.
    if (waiting.length > 0 && Math.max(heardAt, waiting[0]?.since ?? 0) < late - 2 * timeoutMs) {
      redis.stream.destroy();
    }
    if (waiting.length > 0) watchTime();
  }

  function askAll(commands: Buffer, count: number, take: ReplyTaker): Promise<void> {
    if (count === 0) return Promise.resolve();
    if (redis.status !== 'ready' || !redis.stream.writable) {
      return Promise.reject(failure(new Error('the connection is closed')));
    }
    if (waiting[0]?.overdue === true) {
      return Promise.reject(failure(new Error('it has not answered for too long')));
    }
    return new Promise((done, fail) => {
      const since = performance.now();
      waiting.push({ count, take, done, fail, since, taken: 0, error: undefined, overdue: false });
      redis.stream.write(commands);
      watchTime();
    });
  }

  return {
    askAll,
    ping: () => askAll(PING, 1, () => {}),
    async close() {
      const last = waiting.at(-1);
      if (last !== undefined) await settled(askAll(PING, 1, () => {}));
      clearTimeout(timer);
      redis.disconnect();
    },
  };
}

async function settled(promise: Promise<void>): Promise<void> {
  await promise.catch(() => {});
}
