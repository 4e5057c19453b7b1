import { setImmediate } from 'node:timers/promises';
import type { Value } from '../../../core/value-type.ts';
import type { TableReader } from '../../table-reader.ts';
import type { DuckDbEngine } from '../engine.ts';
import { identifier, writtenParquet } from '../sql-text.ts';
import { duckDbType, readColumn, transported } from '../types.ts';

export function createDuckDbTableReader(engine: DuckDbEngine): TableReader {
  return {
    async *read(path, columns, signal) {
      const lease = await engine.lease(signal);
      try {
        const select = columns.map(({ name, type }) =>
          transported(`CAST(${identifier(name)} AS ${duckDbType(type)})`, type),
        );
        const result = await lease.connection.stream(
          `SELECT ${select.join(', ')} FROM ${writtenParquet([path])}`,
        );
        for (let chunk = await result.fetchChunk(); chunk !== null; chunk = await result.fetchChunk()) {
          if (chunk.rowCount === 0) return;
          const read = columns.map(({ type }, index) => readColumn(chunk.getColumnVector(index), type));
          yield Array.from({ length: chunk.rowCount }, (_, row) =>
            read.map((column) => column[row] as Value),
          );
          // Chunks that are ready resolve at once; timers and heartbeats need their turn.
          await setImmediate();
          signal?.throwIfAborted();
        }
      } catch (error) {
        throw lease.fail(error);
      } finally {
        lease[Symbol.dispose]();
      }
    },
  };
}
