import { setImmediate } from 'node:timers/promises';
import type { FeatureRow } from '../../core/rows.ts';
import type { FeatureReader, LatestRequest } from '../feature-reader.ts';
import type { DuckDbEngine } from './engine.ts';
import { appendRows, newestSql, readChunks, rowColumns } from './newest-rows.ts';
import { sliceFailure } from './slice-scan.ts';
import { readWithdrawn } from './withdrawn-rows.ts';

/** Rows per batch: several of DuckDB's chunks (2,048 rows), so that a batch is worth a round trip. */
const BATCH_ROWS = 8_000;

export function createDuckDbFeatureReader(
  engine: DuckDbEngine,
  { offlineRoot }: { readonly offlineRoot: string },
): FeatureReader {
  return {
    async *latest(request) {
      if (request.slices.length === 0) return;
      const types = rowColumns(request.view).map(({ type }) => type);
      const lease = await engine.lease(request.signal);
      try {
        let batch: FeatureRow[] = [];
        for await (const chunk of readChunks(lease.connection, latestSql(request, offlineRoot), types)) {
          appendRows(batch, chunk, request.view);
          if (batch.length < BATCH_ROWS) continue;
          yield batch;
          batch = [];
          // Chunks that are ready resolve at once; timers and heartbeats need their turn.
          await setImmediate();
          request.signal?.throwIfAborted();
        }
        if (batch.length > 0) yield batch;
      } catch (error) {
        throw lease.fail(sliceFailure(error));
      } finally {
        lease[Symbol.dispose]();
      }
    },

    async *withdrawn(request) {
      if (request.before.length === 0) return;
      const lease = await engine.lease(request.signal);
      try {
        yield* readWithdrawn(lease.connection, request, offlineRoot);
      } catch (error) {
        throw lease.fail(sliceFailure(error));
      } finally {
        lease[Symbol.dispose]();
      }
    },
  };
}

export function latestSql(request: LatestRequest, offlineRoot: string): string {
  const columns = rowColumns(request.view).map(({ sql }) => sql);
  return `SELECT ${columns.join(', ')} FROM ${newestSql(request, offlineRoot)}`;
}
