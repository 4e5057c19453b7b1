import type { BatchViewSpec } from '../core/feature-view.ts';
import { type Interval, intersect, subtract } from '../core/interval.ts';
import { type Clock, durationOf, subtractDuration } from '../core/time.ts';
import type { AbandonedFile, Ledger } from '../ledger/ledger.ts';
import type { FeatureReader, RevisedSlice } from '../offline/feature-reader.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { onlineTableOf } from '../online/online-table.ts';

/**
 * Takes back the rows that a restatement no longer gives, or gives with an earlier created time, which compare-and-set
 * alone would keep for ever: what is newest of the entity then is served again, as an as-of join would answer.
 *
 * Called while the old files are still the committed ones: whoever repeats it after a crash finds them again.
 */
export async function withdraw(
  request: {
    readonly project: string;
    readonly view: BatchViewSpec;
    readonly range: Interval;
    /** What attempts that were never committed may have published over it. */
    readonly abandoned: readonly AbandonedFile[];
    /** The range as it is now. */
    readonly after: readonly RevisedSlice[];
    readonly signal?: AbortSignal;
  },
  { ledger, reader, online, clock }: WithdrawDeps,
): Promise<number> {
  const { project, view, range, abandoned, after, signal } = request;
  const version = { project, view: view.name, version: view.version };
  const before = [...(await ledger.files(version, range)), ...abandoned].flatMap((file) =>
    slicesOf(file, [intersect(file.range, range)]),
  );
  // Nothing was there, or the same is again.
  if (before.every(({ path }) => after.some((slice) => slice.path === path))) return 0;
  const beside = (await ledger.files(version))
    .filter((file) => file.range.start < range.end)
    .flatMap((file) => slicesOf(file, subtract(file.range, [range])));
  const oldest = view.ttl === null ? {} : { notBefore: subtractDuration(clock(), durationOf(view.ttl)) };
  const table = onlineTableOf(project, view);
  let withdrawn = 0;
  const read = { view, before, after, beside, ...oldest, ...(signal && { signal }) };
  for await (const rows of reader.withdrawn(read)) withdrawn += await online.withdraw(table, rows);
  return withdrawn;
}

export interface WithdrawDeps {
  readonly ledger: Pick<Ledger, 'files'>;
  readonly reader: FeatureReader;
  readonly online: OnlineStore;
  readonly clock: Clock;
}

function slicesOf(
  { path, revision }: AbandonedFile,
  ranges: readonly (Interval | undefined)[],
): readonly RevisedSlice[] {
  return ranges.flatMap((range) => (range === undefined ? [] : [{ path, revision, range }]));
}
