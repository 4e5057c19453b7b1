import { Command, Redis } from 'ioredis';
import { messageOf, TidemarkError } from '../../core/errors.ts';
import type { Script } from './script.ts';

/** One connection to a Redis; it connects again by itself. Every failure is a TidemarkError without secrets. */
export interface RedisConnection {
  /** Runs a script by the bytes of its call (see `ScriptCall`); the server is taught it when it does not know it. */
  run(script: Script, call: Buffer, firstKey: Buffer): Promise<unknown>;
  /** Sends the bytes of `count` commands at once; their answers in order. */
  askAll(commands: Buffer, count: number): Promise<readonly unknown[]>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`, with user, password, port and database as needed. */
  readonly url: string;
  /** How long an answer may take. */
  readonly timeoutMs: number;
}

/**
 * Nothing waits for a Redis that is down: a command fails at once, and is repeated by whoever knows whether that is
 * still wanted. STORE_UNAVAILABLE when it cannot be reached now, CONFIG_INVALID when the URL is none.
 */
export async function connectRedis({ url, timeoutMs }: RedisConnectionOptions): Promise<RedisConnection> {
  const address = addressOf(url);
  let reason: string | undefined;
  const redis = new Redis(url, {
    lazyConnect: true,
    protocol: 2,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(20 * 2 ** Math.min(times, 10), 1000),
    // After a failover the old primary is read-only: connecting again finds the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  // Without a listener it would print. The reason outlives the event: later commands only say "not writable".
  redis.on('error', (error: Error) => {
    reason = error.message || ('code' in error ? String(error.code) : undefined);
  });
  redis.on('ready', () => {
    reason = undefined;
  });

  /** Takes what the client writes for each of many commands: the first holds the bytes of all. */
  const whole = {
    isPipeline: true as const,
    destination: { redis },
    write(bytes: string | Buffer) {
      if (bytes.length > 0) redis.stream.write(bytes);
    },
  };

  function fail(error: unknown): never {
    throw storeError(address, error, reason);
  }

  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    fail(error);
  }

  return {
    async run(script, call, firstKey) {
      try {
        return await redis.sendCommand(new PackedCommand(script, call, firstKey));
      } catch (error) {
        if (!messageOf(error).startsWith('NOSCRIPT')) fail(error);
      }
      try {
        await redis.script('LOAD', script.lua);
        return await redis.sendCommand(new PackedCommand(script, call, firstKey));
      } catch (error) {
        fail(error);
      }
    },

    async askAll(commands, count) {
      if (count === 0) return [];
      const command = new RepeatedCommand(commands, count);
      try {
        for (let i = 0; i < count; i++) void redis.sendCommand(command, whole);
        await command.promise;
        return command.replies;
      } catch (error) {
        fail(error);
      }
    },

    async ping() {
      try {
        await redis.ping();
      } catch (error) {
        fail(error);
      }
    },

    async close() {
      if (redis.status !== 'ready') redis.disconnect();
      // Answers what is under way, then ends.
      else await redis.quit().catch(() => redis.disconnect());
    },
  };
}

/** A command whose bytes are there already; its arguments only say which script and, in a Cluster, which node. */
class PackedCommand extends Command {
  private readonly call: Buffer;

  constructor(script: Script, call: Buffer, firstKey: Buffer) {
    super('evalsha', [script.sha, '1', firstKey]);
    this.call = call;
  }

  override toWritable(): Buffer {
    return this.call;
  }
}

const NOTHING = Buffer.alloc(0);

/**
 * Stands for many commands: the client waits for an answer each time it is sent. A command and a promise for each
 * took twice as long for 500 reads.
 */
class RepeatedCommand extends Command {
  readonly replies: unknown[] = [];
  private bytes: Buffer;

  constructor(bytes: Buffer, count: number) {
    super('hget', []);
    this.bytes = bytes;
    const finish = this.resolve;
    this.resolve = (reply: unknown) => {
      this.replies.push(reply);
      if (this.replies.length === count) finish(null);
    };
  }

  override toWritable(): Buffer {
    const { bytes } = this;
    this.bytes = NOTHING;
    return bytes;
  }
}

/** Answers that say that the server cannot serve now, not that the command was wrong. */
const NOT_NOW =
  /^(OOM|READONLY|LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MISCONF|NOREPLICAS|NOAUTH|WRONGPASS|NOPERM|MOVED|ASK|UNKILLABLE)\b/;

/** The cause is left out: a client's error holds the arguments of its command, and those of AUTH are secret. */
function storeError(address: string, error: unknown, reason: string | undefined): TidemarkError {
  const message = messageOf(error);
  if (!(error instanceof Error) || error.name !== 'ReplyError' || NOT_NOW.test(message)) {
    return new TidemarkError(
      'STORE_UNAVAILABLE',
      `Cannot use the online store: Redis at ${address} is not available (${reason ?? message}).`,
    );
  }
  if (message.startsWith('WRONGTYPE')) {
    return new TidemarkError(
      'STORE_CORRUPT',
      `Cannot use the online store: a key of Tidemark in Redis at ${address} was replaced by something else.`,
    );
  }
  return new TidemarkError(
    'INTERNAL',
    `Cannot use the online store: Redis at ${address} answered "${message}".`,
  );
}

function addressOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === '') {
    throw new TidemarkError(
      'CONFIG_INVALID',
      'Cannot use the online store: its address is not of the form redis://[user:password@]host[:port][/database].',
    );
  }
  return `${parsed.hostname}:${parsed.port || 6379}`;
}
