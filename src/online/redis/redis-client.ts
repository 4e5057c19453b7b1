import { Redis } from 'ioredis';
import { messageOf, TidemarkError } from '../../core/errors.ts';

export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`, with user, password, port and database as needed. */
  readonly url: string;
  /** How long an answer may take. */
  readonly timeoutMs: number;
}

export interface RedisClientOptions extends RedisConnectionOptions {
  /**
   * Whether a connection on which a command waits, and nothing has come for as long as an answer may take, is made
   * anew: until it is, commands fail at once. Not for who takes the replies from the stream.
   */
  readonly endsSilence?: boolean;
}

/** A client that connects again by itself and lets nothing wait meanwhile, and how its failures are told. */
export interface RedisClient {
  readonly redis: Redis;
  /** As a TidemarkError without secrets. */
  failure(error: unknown): TidemarkError;
}

/**
 * Nothing waits for a Redis that is down: a command fails at once, and is repeated by whoever knows whether that is
 * still wanted. STORE_UNAVAILABLE when it cannot be reached now, CONFIG_INVALID when the URL is none.
 */
export async function openRedis(
  { url, timeoutMs, endsSilence = false }: RedisClientOptions,
  prepare: (client: RedisClient) => void = () => {},
): Promise<RedisClient> {
  const address = addressOf(url);
  let reason: string | undefined;
  const redis = new Redis(url, {
    lazyConnect: true,
    protocol: 2,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    ...(endsSilence ? { socketTimeout: timeoutMs } : {}),
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(20 * 2 ** Math.min(times, 10), 1000),
    // After a failover the old primary is read-only: connecting again finds the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  // Without a listener it would print. The reason outlives the event: later commands only say "not writable".
  redis.on('error', (error: Error) => {
    // Of its own greeting, which that ended: why is known.
    if (error.message.startsWith(NOT_WRITABLE) && reason !== undefined) return;
    reason = plain(error.message) || ('code' in error ? String(error.code) : undefined);
  });
  // One that Redis ended in order comes without an error.
  redis.on('close', () => {
    reason ??= 'the connection is closed';
  });
  redis.on('ready', () => {
    reason = undefined;
  });
  const client: RedisClient = { redis, failure: (error) => storeError(address, error, reason) };
  prepare(client);
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw client.failure(error);
  }
  return client;
}

const NOT_WRITABLE = "Stream isn't writeable";

/** Answers that say that the server cannot serve now, not that the command was wrong. */
const NOT_NOW =
  /^(OOM|READONLY|LOADING|BUSY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MISCONF|NOREPLICAS|NOAUTH|WRONGPASS|NOPERM|MOVED|ASK|UNKILLABLE|ERR Script attempted to access a non local key)\b/;

/** Answers of a cluster's node that does not hold the slot, or not alone while it is moved. */
const ELSEWHERE = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|ERR Script attempted to access a non local key)\b/;
const elsewhere = new WeakSet<TidemarkError>();

/** Whether a failure says that another node of the cluster holds the rows, or will in a moment. */
export function isElsewhere(error: unknown): boolean {
  return error instanceof TidemarkError && elsewhere.has(error);
}

/** The cause is left out: a client's error holds the arguments of its command, and those of AUTH are secret. */
function storeError(address: string, error: unknown, reason: string | undefined): TidemarkError {
  const message = messageOf(error);
  if (!(error instanceof Error) || error.name !== 'ReplyError' || NOT_NOW.test(message)) {
    const unavailable = new TidemarkError(
      'STORE_UNAVAILABLE',
      `Cannot use the online store: Redis at ${address} is not available (${reason ?? plain(message)}).`,
    );
    if (ELSEWHERE.test(message)) elsewhere.add(unavailable);
    return unavailable;
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

/** The client speaks of its own settings: between the end of a connection and its event, and where time has run out. */
function plain(message: string): string {
  if (message.startsWith(NOT_WRITABLE)) return 'the connection is closed';
  return /^(Command timed out|Socket timeout)/.test(message) ? 'it has not answered for too long' : message;
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
