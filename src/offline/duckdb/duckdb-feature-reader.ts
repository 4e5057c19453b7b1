import { setImmediate } from 'node:timers/promises';
import type { BatchViewSpec } from '../../core/feature-view.ts';
import type { FeatureRow } from '../../core/rows.ts';
import type { Micros } from '../../core/time.ts';
import type { KeyValue, Value, ValueType } from '../../core/value-type.ts';
import type { FeatureReader, LatestRequest } from '../feature-reader.ts';
import { CREATED_TIME, EVENT_TIME } from '../offline-columns.ts';
import type { DuckDbEngine } from './engine.ts';
import { sliceFailure, sliceScanSql } from './slice-scan.ts';
import { identifier, identifiers, timestampLiteral } from './sql-text.ts';
import { duckDbType, readColumn, transported } from './types.ts';

/** Rows per batch: several of DuckDB's chunks (2,048 rows), so that a batch is worth a round trip. */
const BATCH_ROWS = 8_000;

export function createDuckDbFeatureReader(
  engine: DuckDbEngine,
  { offlineRoot }: { readonly offlineRoot: string },
): FeatureReader {
  return {
    async *latest(request) {
      if (request.slices.length === 0) return;
      const types = columnTypes(request.view);
      const lease = await engine.lease(request.signal);
      try {
        const result = await lease.connection.stream(latestSql(request, offlineRoot));
        let batch: FeatureRow[] = [];
        for (let chunk = await result.fetchChunk(); chunk !== null; chunk = await result.fetchChunk()) {
          if (chunk.rowCount === 0) break;
          const columns = types.map((type, index) => readColumn(chunk.getColumnVector(index), type));
          appendRows(batch, columns, chunk.rowCount, request.view.joinKeys.length);
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
  };
}

/** Of the selected columns: event time, created time, revision, keys, features. */
function columnTypes(view: BatchViewSpec): readonly ValueType[] {
  return [
    'timestamp',
    'timestamp',
    'int32',
    ...view.joinKeys.map(({ type }) => type),
    ...view.features.map(({ type }) => type),
  ];
}

export function latestSql({ view, slices, notBefore, notAfter }: LatestRequest, offlineRoot: string): string {
  const bounds = [
    notBefore === undefined ? [] : [`${EVENT_TIME} >= ${timestampLiteral(notBefore)}`],
    notAfter === undefined ? [] : [`${EVENT_TIME} <= ${timestampLiteral(notAfter)}`],
  ].flat();
  const columns = [
    transported(EVENT_TIME, 'timestamp'),
    transported(CREATED_TIME, 'timestamp'),
    '__revision',
    ...view.joinKeys.map(({ name, type }) => transported(identifier(name), type)),
    // Parquet has no fixed-size lists: a vector comes back as a list and is one again by its cast.
    ...view.features.map(({ name, type }) =>
      transported(`CAST(${identifier(name)} AS ${duckDbType(type)})`, type),
    ),
  ];
  const keys = identifiers(view.joinKeys.map(({ name }) => name));
  return (
    `SELECT ${columns.join(', ')} FROM (SELECT * FROM ${sliceScanSql(slices, offlineRoot)}` +
    `${bounds.length === 0 ? '' : ` WHERE ${bounds.join(' AND ')}`} ` +
    `QUALIFY row_number() OVER (PARTITION BY ${keys} ORDER BY ${EVENT_TIME} DESC, ${CREATED_TIME} DESC, __revision DESC) = 1)`
  );
}

function appendRows(
  batch: FeatureRow[],
  columns: readonly (readonly Value[])[],
  rowCount: number,
  keyCount: number,
): void {
  const [eventTimes = [], createdTimes = [], revisions = []] = columns;
  const keys = columns.slice(3, 3 + keyCount) as readonly (readonly KeyValue[])[];
  const features = columns.slice(3 + keyCount);
  for (let row = 0; row < rowCount; row++) {
    batch.push({
      key: keys.map((column) => column[row] as KeyValue),
      eventTime: eventTimes[row] as Micros,
      createdTime: createdTimes[row] as Micros,
      revision: revisions[row] as number,
      values: features.map((column) => column[row] as Value),
    });
  }
}
