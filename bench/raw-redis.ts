import { connect } from 'node:net';
import { Redis } from 'ioredis';

/** A socket to Redis and nothing else: what the server itself can do with given bytes. */
export interface RawRedis {
  /** Sends commands whose replies are one line each (integers, OK), with at most 2 MB under way. */
  sendAll(calls: Iterable<RawCalls>): Promise<void>;
  close(): void;
}

export interface RawCalls {
  readonly bytes: Buffer;
  /** Commands in it. */
  readonly count: number;
}

const IN_FLIGHT_BYTES = 2 * 1024 * 1024;
const MINUS = 45;
const LINE_FEED = 10;

export async function connectRaw(url: string): Promise<RawRedis> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port || 6379), noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let replies = 0;
  let failed: string | undefined;
  let wake = (): void => {};
  socket.on('data', (chunk: Buffer) => {
    if (chunk[0] === MINUS) failed ??= chunk.toString('latin1').split('\r\n')[0];
    for (const byte of chunk) if (byte === LINE_FEED) replies += 1;
    wake();
  });
  const heard = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return {
    async sendAll(calls) {
      replies = 0;
      let sent = 0;
      let bytes = 0;
      const inFlight: { readonly upTo: number; readonly bytes: number }[] = [];
      const wait = async (most: number) => {
        while (bytes > most && failed === undefined) {
          while (inFlight[0] !== undefined && inFlight[0].upTo <= replies)
            bytes -= inFlight.shift()?.bytes ?? 0;
          if (bytes > most) await heard();
        }
        if (failed !== undefined) throw new Error(`Redis answered ${failed}`);
      };
      for (const call of calls) {
        sent += call.count;
        bytes += call.bytes.length;
        inFlight.push({ upTo: sent, bytes: call.bytes.length });
        socket.write(call.bytes);
        await wait(IN_FLIGHT_BYTES);
      }
      await wait(0);
    },
    close: () => socket.destroy(),
  };
}

export interface ServerUse {
  /** CPU seconds of the thread that runs commands. */
  readonly cpu: number;
  readonly memory: number;
}

/** What a server has used so far. */
export async function serverUse(redis: Redis): Promise<ServerUse> {
  const info = `${await redis.info('cpu')}\r\n${await redis.info('memory')}`;
  const field = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? Number.NaN);
  return {
    cpu: field('used_cpu_sys_main_thread') + field('used_cpu_user_main_thread'),
    memory: field('used_memory'),
  };
}

export function openRedis(): Redis {
  return new Redis(process.env.REDIS_URL ?? '', { protocol: 2 });
}

export async function removeKeys(redis: Redis, prefix: string): Promise<void> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scanBuffer(cursor, 'MATCH', `${prefix}*`, 'COUNT', 10_000);
    if (keys.length > 0) await redis.unlink(...keys);
    cursor = String(next);
  } while (cursor !== '0');
}
