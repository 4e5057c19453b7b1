import type { RevisedSlice } from '../../feature-reader.ts';
import type { FileRecency } from '../file-recency.ts';
import type { FileFacts } from './as-of-facts.ts';
import type { RecencyFacts } from './as-of-order.ts';
import { around, type Bounds, lesser } from './bounds.ts';

/** What decides recency among the rows of some slices, and whether event times alone do. */
export interface SlicesRecency extends Omit<RecencyFacts, 'lastRevision'> {
  /** No two rows of an entity have the same event time. */
  readonly distinct: boolean;
}

/** As the files tell it, without reading a row; null when one of them does not, and when no slice can have one. */
export function recencyOfSlices(
  slices: readonly RevisedSlice[],
  { eventTimes, recency }: Pick<FileFacts, 'eventTimes' | 'recency'>,
): SlicesRecency | null {
  const reaches: Reached[] = [];
  for (const { path, range } of slices) {
    const [file, held] = [recency.get(path), eventTimes.get(path)];
    if (file === undefined || held === undefined) return null;
    // A row's event time lies in its interval, both ends included.
    const least = range === undefined || range.start < held.least ? held.least : range.start;
    const most = range === undefined || range.end > held.most ? held.most : range.end;
    // A slice that lies beside all rows of its file has none.
    if (least <= most) reaches.push({ path, least, most, file });
  }
  const [first, ...others] = reaches;
  if (first === undefined) return null;
  const all = { event: { least: first.least, most: first.most }, ...first.file };
  const merged = others.reduce<SlicesRecency>(
    (sum, { least, most, file }) => ({
      event: around(sum.event, { least, most }),
      lag: around(sum.lag, file.lag),
      // One is a whole multiple of the other.
      eventUnit: lesser(sum.eventUnit, file.eventUnit),
      lagUnit: lesser(sum.lagUnit, file.lagUnit),
      distinct: sum.distinct && file.distinct,
    }),
    all,
  );
  return { ...merged, distinct: merged.distinct && areApart(reaches) };
}

interface Reached extends Bounds {
  readonly path: string;
  readonly file: FileRecency;
}

/** Whether no two files have rows of one event time. */
function areApart(reaches: readonly Reached[]): boolean {
  let last: Reached | null = null;
  for (const reached of reaches.toSorted((a, b) => (a.least < b.least ? -1 : Number(a.least > b.least)))) {
    if (last !== null && last.path !== reached.path && last.most >= reached.least) return false;
    if (last === null || reached.most > last.most) last = reached;
  }
  return true;
}
