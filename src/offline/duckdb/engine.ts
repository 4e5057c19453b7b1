import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { messageOf, TidemarkError } from '../../core/errors.ts';
import { duckDbReason, failureKind } from './duckdb-failure.ts';
import { freedMemory } from './freed-memory.ts';
import { redactError } from './sources/redact-address.ts';

export interface DuckDbOptions {
  /** For all queries together, as DuckDB writes sizes: `2GB`. What does not fit spills into `tempDir`. */
  readonly memory: string;
  readonly threads: number;
  /** A folder for spilled data; each engine makes its own folder in it and removes it when closed. */
  readonly tempDir: string;
}

/** One DuckDB instance in memory, shared by everything that computes in this process. */
export interface DuckDbEngine {
  /**
   * Runs `use` on a connection of its own. Aborting interrupts the running query: CANCELLED. An error of DuckDB's
   * that `use` did not translate becomes TOO_LARGE (memory or disk is used up) or INTERNAL.
   */
  withConnection<T>(use: (connection: DuckDBConnection) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** The same for code that cannot be a callback (a generator): the caller disposes of it, and maps with `fail`. */
  lease(signal?: AbortSignal): Promise<ConnectionLease>;
  /** Gives the system back what queries have freed, if it is much: between large ones of one connection; fails never. */
  giveMemoryBack(): Promise<void>;
  close(): Promise<void>;
}

export interface ConnectionLease extends Disposable {
  readonly connection: DuckDBConnection;
  /** What to throw instead of `error`. */
  fail(error: unknown): TidemarkError;
}

/** STACK_UNAVAILABLE when this build of DuckDB lacks what Tidemark needs; CONFIG_INVALID for a bad setting. */
export async function createDuckDb(options: DuckDbOptions): Promise<DuckDbEngine> {
  const spill = await makeSpillFolder(options.tempDir);
  let instance: DuckDBInstance;
  try {
    instance = await DuckDBInstance.create(':memory:', {
      memory_limit: options.memory,
      threads: String(options.threads),
      temp_directory: spill,
      // Everything needed is linked in; nothing may come from the net behind the user's back.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // Credentials that somebody stored for DuckDB are not ours to use.
      secret_directory: join(spill, 'secrets'),
      // Spines are numbered as they are read, and files are written as they are sorted.
      preserve_insertion_order: 'true',
    });
  } catch (error) {
    await rm(spill, { recursive: true, force: true });
    throw new TidemarkError(
      'CONFIG_INVALID',
      `Cannot start DuckDB with memory "${options.memory}" and ${options.threads} threads: ${duckDbReason(error)}.`,
      { cause: error },
    );
  }

  const giveMemoryBack = freedMemory(instance, options.memory);

  async function close(): Promise<void> {
    await giveMemoryBack();
    instance.closeSync();
    await rm(spill, { recursive: true, force: true });
  }

  async function lease(signal?: AbortSignal): Promise<ConnectionLease> {
    if (signal?.aborted) throw cancelled();
    const connection = await instance.connect();
    let interrupting: NodeJS.Timeout | undefined;
    // An interrupt between two queries is lost, so it is repeated until the connection is given back.
    const onAbort = () => {
      connection.interrupt();
      interrupting = setInterval(() => connection.interrupt(), 20);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    return {
      connection,
      fail: (error) => {
        // DuckDB repeats the address that it could not reach.
        redactError(error);
        return signal?.aborted ? cancelled(error) : failureOf(error, options);
      },
      [Symbol.dispose]() {
        signal?.removeEventListener('abort', onAbort);
        clearInterval(interrupting);
        connection.closeSync();
        void giveMemoryBack();
      },
    };
  }

  async function withConnection<T>(
    use: (connection: DuckDBConnection) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const held = await lease(signal);
    try {
      const result = await use(held.connection);
      if (signal?.aborted) throw cancelled();
      return result;
    } catch (error) {
      throw held.fail(error);
    } finally {
      held[Symbol.dispose]();
    }
  }

  try {
    await withConnection((connection) => connection.run(`SET GLOBAL TimeZone = 'UTC'`));
  } catch (error) {
    await close();
    throw new TidemarkError(
      'STACK_UNAVAILABLE',
      `Cannot use this build of DuckDB: its extension "icu" (time zones) is missing (${messageOf(error)}).`,
      { cause: error },
    );
  }
  return { withConnection, lease, giveMemoryBack, close };
}

function cancelled(cause?: unknown): TidemarkError {
  if (cause instanceof TidemarkError && cause.code === 'CANCELLED') return cause;
  return new TidemarkError('CANCELLED', 'The query was cancelled.', { cause });
}

function failureOf(error: unknown, options: DuckDbOptions): TidemarkError {
  if (error instanceof TidemarkError) return error;
  switch (failureKind(error)) {
    case 'interrupted':
      return cancelled(error);
    case 'memory':
      return new TidemarkError(
        'TOO_LARGE',
        `The query does not fit into ${options.memory} of memory and the disk at ${options.tempDir}: ` +
          `raise TIDEMARK_DUCKDB_MEMORY, or work on a shorter range (${duckDbReason(error)}).`,
        { cause: error },
      );
    default:
      return new TidemarkError('INTERNAL', `The query failed: ${duckDbReason(error)}.`, { cause: error });
  }
}

/** DuckDB names its spill files alike in every process, so each engine needs a folder of its own. */
async function makeSpillFolder(tempDir: string): Promise<string> {
  await mkdir(tempDir, { recursive: true });
  const mine = `duckdb-${hostname()}-`;
  for (const name of await readdir(tempDir)) {
    const pid = name.startsWith(mine) ? Number(name.slice(mine.length).split('-')[0]) : Number.NaN;
    if (Number.isInteger(pid) && !isAlive(pid)) {
      await rm(join(tempDir, name), { recursive: true, force: true });
    }
  }
  return mkdtemp(join(tempDir, `${mine}${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
