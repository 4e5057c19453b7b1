import type { DuckDBInstance } from '@duckdb/node-api';
import { stringLiteral } from './sql-text.ts';

/** Bytes by which the process must have grown for it to be worth the time (0.1 s for a gigabyte). */
const MUCH = 256 * 1024 * 1024;

/**
 * A function that gives the system back what queries have freed, if it is much. glibc keeps what is freed in pieces:
 * what one query left, and the next could not use for its own pieces, came on top of the memory that DuckDB is given,
 * three views' join at 3.3 GB of 2. DuckDB has glibc return it (`malloc_trim`) whenever its limit is set, also to what
 * it is, and does so beside queries that run. `MALLOC_MMAP_THRESHOLD_` does as much, but only from the environment that
 * a process begins with.
 */
export function freedMemory(instance: DuckDBInstance, limit: string): () => Promise<void> {
  let after = process.memoryUsage.rss();
  let underWay: Promise<void> | undefined;

  async function giveBack(): Promise<void> {
    try {
      const connection = await instance.connect();
      try {
        await connection.run(`SET GLOBAL memory_limit = ${stringLiteral(limit)}`);
      } finally {
        connection.closeSync();
      }
    } catch {
      // More is in use than the limit for a moment: there is nothing to give back then.
    }
    after = process.memoryUsage.rss();
    underWay = undefined;
  }

  return async () => {
    const now = process.memoryUsage.rss();
    after = Math.min(after, now);
    if (underWay === undefined && now - after >= MUCH) underWay = giveBack();
    await underWay;
  };
}
