import { setImmediate } from 'node:timers/promises';
import type { FeatureRow } from '../../../core/rows.ts';
import type { FeatureReader, LatestRequest } from '../../feature-reader.ts';
import type { DuckDbEngine } from '../engine.ts';
import { sliceFailure } from '../slice-scan.ts';
import { hasPlaceSql } from './integer-place.ts';
import { entityParts, PASS_BYTES } from './newest-passes.ts';
import { appendRows, newestSql, readChunks, rowColumns } from './newest-rows.ts';
import { createPlaceFunction } from './place-function.ts';
import { readWithdrawn } from './withdrawn-rows.ts';

/** Rows per batch: several of DuckDB's chunks (2,048 rows), so that a batch is worth a round trip. */
const BATCH_ROWS = 8_000;

export function createDuckDbFeatureReader(
  engine: DuckDbEngine,
  {
    offlineRoot,
    passBytes = PASS_BYTES,
  }: {
    readonly offlineRoot: string;
    /** How much of what `latest` reads is sorted at once; more is read in several passes. */
    readonly passBytes?: number;
  },
): FeatureReader {
  const placeFunction = createPlaceFunction();
  return {
    async *latest(request) {
      if (request.slices.length === 0) return;
      const types = rowColumns(request.view).map(({ type }) => type);
      const lease = await engine.lease(request.signal);
      const { placeOf } = request;
      const place = placeOf && placeFunction(lease.connection, request.view, placeOf);
      try {
        let batch: FeatureRow[] = [];
        for (const where of await entityParts(lease.connection, request, { offlineRoot, passBytes })) {
          const sql = latestSql(request, { offlineRoot, where, order: place?.sql });
          for await (const chunk of readChunks(lease.connection, sql, types)) {
            appendRows(batch, chunk, request.view);
            if (batch.length < BATCH_ROWS) continue;
            yield batch;
            batch = [];
            // Chunks that are ready resolve at once; timers and heartbeats need their turn.
            await setImmediate();
            request.signal?.throwIfAborted();
          }
        }
        if (batch.length > 0) yield batch;
      } catch (error) {
        throw lease.fail(sliceFailure(error));
      } finally {
        place?.[Symbol.dispose]();
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

function latestSql(
  request: LatestRequest,
  {
    offlineRoot,
    where,
    order,
  }: { readonly offlineRoot: string; readonly where: string; readonly order: string | undefined },
): string {
  const columns = rowColumns(request.view).map(({ sql }) => sql);
  const newest = newestSql(request, offlineRoot, { where, places: hasPlaceSql(request.view) });
  return `SELECT ${columns.join(', ')} FROM ${newest}${order === undefined ? '' : ` ORDER BY ${order}`}`;
}
