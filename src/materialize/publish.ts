import type { BatchViewSpec } from '../core/feature-view.ts';
import type { FeatureRow } from '../core/rows.ts';
import { type Clock, durationOf, subtractDuration } from '../core/time.ts';
import type { FeatureReader, RevisedSlice } from '../offline/feature-reader.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { onlineTableOf } from '../online/online-table.ts';

/**
 * Publishes the newest row of each entity of some files. Rows that are too old to be served are left out. Safe to
 * repeat and to run beside itself: the store keeps the newer row.
 */
export async function publish(
  request: {
    readonly project: string;
    readonly view: BatchViewSpec;
    readonly slices: readonly RevisedSlice[];
    readonly signal?: AbortSignal;
    readonly onProgress?: (rows: number) => void;
  },
  {
    reader,
    online,
    clock,
  }: { readonly reader: FeatureReader; readonly online: OnlineStore; readonly clock: Clock },
): Promise<{ readonly published: number; readonly written: number }> {
  const { project, view, slices, signal, onProgress } = request;
  const table = onlineTableOf(project, view);
  const oldest = view.ttl === null ? {} : { notBefore: subtractDuration(clock(), durationOf(view.ttl)) };
  const placeOf = online.placeOf?.(table);
  const order = placeOf === undefined ? {} : { placeOf };
  let published = 0;
  let written = 0;
  let writing: Promise<void> | undefined;
  const write = async (rows: readonly FeatureRow[]) => {
    const result = await online.write(table, rows);
    published += rows.length;
    written += result.written;
    onProgress?.(published);
  };
  try {
    for await (const rows of reader.latest({
      view,
      slices,
      ...oldest,
      ...order,
      ...(signal && { signal }),
    })) {
      await writing;
      signal?.throwIfAborted();
      // While the store is busy with it, the next rows are read.
      writing = write(rows);
      // It is looked at in its turn; until then a failure is nobody's surprise.
      writing.catch(() => {});
    }
    await writing;
  } finally {
    // Also after an error nothing is left under way.
    await Promise.allSettled([writing]);
  }
  return { published, written };
}
