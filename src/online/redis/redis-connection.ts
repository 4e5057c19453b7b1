import { Command } from 'ioredis';
import { messageOf } from '../../core/errors.ts';
import { openRedis, type RedisConnectionOptions } from './redis-client.ts';
import type { Script } from './script.ts';

/** One connection to a Redis; it connects again by itself. Every failure is a TidemarkError without secrets. */
export interface RedisConnection {
  /** Whether it leads to a node of a cluster: its scripts are the spread ones. */
  readonly isClusterNode: boolean;
  /** Runs a script by the bytes of its call (see `ScriptCall`); the server is taught it when it does not know it. */
  run(script: Script, call: Buffer, firstKey: Buffer): Promise<unknown>;
  /** What CLUSTER SLOTS answers; null when the server is no node of a cluster. */
  slots(): Promise<unknown>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** STORE_UNAVAILABLE when it cannot be reached now, CONFIG_INVALID when the URL is none. */
export async function connectRedis(
  options: RedisConnectionOptions & { readonly isClusterNode?: boolean },
): Promise<RedisConnection> {
  const { redis, failure } = await openRedis({ ...options, endsSilence: true });
  return {
    isClusterNode: options.isClusterNode ?? false,

    async slots() {
      try {
        return await redis.cluster('SLOTS');
      } catch (error) {
        // A server that is no node says so, and one that forbids the command is used as one that is none.
        if (error instanceof Error && error.name === 'ReplyError') return null;
        throw failure(error);
      }
    },

    async run(script, call, firstKey) {
      try {
        return await redis.sendCommand(new PackedCommand(script, call, firstKey));
      } catch (error) {
        if (!messageOf(error).startsWith('NOSCRIPT')) throw failure(error);
      }
      try {
        await redis.script('LOAD', script.lua);
        return await redis.sendCommand(new PackedCommand(script, call, firstKey));
      } catch (error) {
        throw failure(error);
      }
    },

    async ping() {
      try {
        await redis.ping();
      } catch (error) {
        throw failure(error);
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
