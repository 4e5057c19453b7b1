import { TidemarkError } from '../../../core/errors.ts';
import type { Micros } from '../../../core/time.ts';
import type { AsOfView } from '../../as-of-engine.ts';
import type { RevisedSlice } from '../../feature-reader.ts';
import { duckDbReason, failureKind } from '../duckdb-failure.ts';
import type { FileFacts } from './as-of-facts.ts';
import { reachOf } from './as-of-reach.ts';

/** The slices whose rows some spine row may see. A row's event time lies in its interval, both ends included. */
export function relevantSlices(
  view: Pick<AsOfView, 'slices' | 'ttl' | 'dataDelay' | 'horizon'>,
  { first, last }: { readonly first: Micros; readonly last: Micros },
): readonly RevisedSlice[] {
  const { oldest, newest } = reachOf(view);
  return view.slices.filter(
    ({ range }) =>
      range === undefined ||
      (range.start <= last + newest && (oldest === null || range.end >= first + oldest)),
  );
}

/** The same slices without the ranges that leave nothing of their file out: what needs no filter is read as one scan. */
export function withoutNeedlessRanges(
  slices: readonly RevisedSlice[],
  { intervalEnds }: Pick<FileFacts, 'intervalEnds'>,
): readonly RevisedSlice[] {
  return slices.map((slice) => {
    const held = intervalEnds.get(slice.path);
    const { range, ...whole } = slice;
    const needless =
      range !== undefined && held !== undefined && range.start < held.least && held.most <= range.end;
    return needless ? whole : slice;
  });
}

/** A file that the ledger has committed must be there. */
export function unreadable(error: unknown): unknown {
  if (failureKind(error) !== 'file') return error;
  return new TidemarkError(
    'STORE_CORRUPT',
    `Cannot read a committed file of the offline store: ${duckDbReason(error)}.`,
    { cause: error },
  );
}
