import { join } from 'node:path';
import type { KnownAt } from '../core/as-of.ts';
import type { ViewVersion } from '../core/feature-view.ts';
import { type Interval, intersect, overlaps, subtract, union } from '../core/interval.ts';
import { earliest, latest } from '../core/time.ts';
import type { CommittedFile, CommittedWork, Ledger } from '../ledger/ledger.ts';
import { isThere } from './training-set-folder.ts';

/** A file, and the stretch of time for which it is read. */
export type FilePart = Pick<CommittedFile, 'path' | 'digest' | 'revision' | 'range'>;

/** What of a view is read for a training set. */
export interface KnownFiles {
  /** Ascending by range; no two overlap. */
  readonly slices: readonly FilePart[];
  /** Earlier work over the same time: its rows count where a row of `slices` that was known later is in their place. */
  readonly replaced: readonly FilePart[];
  /** Where work that should be read has lost its file: what is committed there now stands in for it. */
  readonly forgotten: readonly Interval[];
}

export interface KnownFilesDeps {
  readonly ledger: Pick<Ledger, 'files' | 'history'>;
  /** Absolute. */
  readonly offlineRoot: string;
}

/**
 * The files of a view for a known-at, which a restatement must not change: an aggregated row with a late event in it is
 * known from that event on, and what was known before stands only in the work that it replaced.
 *
 * With a cut-off the work is read that was committed by then, which serving had. Where the first was committed after it
 * (history that was computed later), and with known-at `'row'`, what is committed now is read, and beside it what it
 * has replaced. With `'any'` what is committed now is all that counts.
 */
export async function knownFiles(
  version: ViewVersion,
  { range, knownAt }: { readonly range: Interval; readonly knownAt: KnownAt },
  { ledger, offlineRoot }: KnownFilesDeps,
): Promise<KnownFiles> {
  if (knownAt.kind === 'any') {
    const live = await ledger.files(version, range);
    return { slices: live.map((file) => part(file, file.range)), replaced: [], forgotten: [] };
  }
  // What newer work took of these may lie beside the range; a slice is the same, whoever asks for some of it.
  const wide = (await ledger.history(version, range)).map((work) => work.range).reduce(hull, range);
  const live = await ledger.files(version, wide);
  const { changed, earlier, replaced } = chooseFiles(await ledger.history(version, wide), {
    range: wide,
    knownAt,
  });
  const gone = await goneOf([...earlier, ...replaced], offlineRoot);
  const isKept = ({ path }: FilePart) => !gone.has(path);
  const lost = earlier.filter((file) => !isKept(file)).map((file) => file.range);
  const otherwise = without(changed, lost);
  const slices = joined([
    ...live.flatMap((file) => subtract(file.range, otherwise).map((one) => part(file, one))),
    ...earlier.filter(isKept),
  ]);
  const forgotten = union([...lost, ...replaced.filter((file) => !isKept(file)).map((file) => file.range)]);
  const isAsked = (one: Interval) => overlaps(one, range);
  return {
    slices: slices.filter((slice) => isAsked(slice.range)),
    replaced: replaced.filter((file) => isKept(file) && isAsked(file.range)),
    forgotten: forgotten.filter(isAsked),
  };
}

async function goneOf(files: readonly FilePart[], offlineRoot: string): Promise<ReadonlySet<string>> {
  const gone = new Set<string>();
  for (const path of new Set(files.map((file) => file.path))) {
    if (!(await isThere(join(offlineRoot, path)))) gone.add(path);
  }
  return gone;
}

/** By range, and what was cut of one file in pieces that touch as one: as it was before newer work came. */
function joined(parts: readonly FilePart[]): readonly FilePart[] {
  const merged: FilePart[] = [];
  for (const next of parts.toSorted((a, b) => (a.range.start < b.range.start ? -1 : 1))) {
    const last = merged.at(-1);
    const touches = last?.path === next.path && last.revision === next.revision;
    if (last === undefined || !touches || last.range.end !== next.range.start) merged.push(next);
    else merged[merged.length - 1] = part(last, { start: last.range.start, end: next.range.end });
  }
  return merged;
}

interface Choice {
  /** Where something else counts than what is committed now. */
  readonly changed: readonly Interval[];
  /** What counts there; nothing where there were no rows. */
  readonly earlier: readonly FilePart[];
  readonly replaced: readonly FilePart[];
}

/** `history` as the ledger gives it: ascending by revision. */
export function chooseFiles(
  history: readonly CommittedWork[],
  { range, knownAt }: { readonly range: Interval; readonly knownAt: Exclude<KnownAt, { kind: 'any' }> },
): Choice {
  const byThen = ({ committedAt }: CommittedWork) => knownAt.kind === 'cutoff' && committedAt <= knownAt.at;
  const then = inLayers(history.filter(byThen), range);
  const covered = union(then.flatMap(({ seen }) => seen));
  const since = union(history.filter((work) => !byThen(work)).map((work) => work.range));
  const afresh = subtract(range, covered);
  return {
    changed: within(covered, since),
    earlier: then.flatMap(({ work, seen }) => partsOf(work, within(seen, since))),
    replaced: inLayers(history, range).flatMap(({ work, hidden }) => partsOf(work, within(hidden, afresh))),
  };
}

interface Layer {
  readonly work: CommittedWork;
  readonly seen: readonly Interval[];
  /** Where newer work is. */
  readonly hidden: readonly Interval[];
}

/** The newest first. */
function inLayers(history: readonly CommittedWork[], range: Interval): readonly Layer[] {
  let above: readonly Interval[] = [];
  return history.toReversed().map((work) => {
    const whole = within([work.range], [range]);
    const layer = { work, seen: without(whole, above), hidden: within(whole, above) };
    above = union([...above, ...whole]);
    return layer;
  });
}

function partsOf({ file, revision }: CommittedWork, parts: readonly Interval[]): readonly FilePart[] {
  return file === null
    ? []
    : parts.map((range) => ({ path: file.path, digest: file.digest, revision, range }));
}

function part({ path, digest, revision }: FilePart, range: Interval): FilePart {
  return { path, digest, revision, range };
}

function hull(a: Interval, b: Interval): Interval {
  return { start: earliest(a.start, b.start), end: latest(a.end, b.end) };
}

function within(parts: readonly Interval[], others: readonly Interval[]): readonly Interval[] {
  return union(parts.flatMap((part) => others.flatMap((other) => intersect(part, other) ?? [])));
}

function without(parts: readonly Interval[], others: readonly Interval[]): readonly Interval[] {
  return parts.flatMap((part) => subtract(part, others));
}
