import { TidemarkError } from '../core/errors.ts';
import { type BatchViewSpec, formatViewVersion } from '../core/feature-view.ts';
import { formatInterval, type Interval, intersect } from '../core/interval.ts';
import { scheduleOf, wholeIntervals } from '../core/schedule.ts';
import type { Micros } from '../core/time.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { missingOf } from '../ledger/watermark.ts';
import type { SourceReader } from '../offline/source-reader.ts';
import { cutChunks } from './cut-chunks.ts';
import { dueRange, firstTick } from './due-range.ts';

/** A chunk never holds more source rows than this by estimate, nor more intervals than the next. */
const ROWS_PER_CHUNK = 5_000_000;
const INTERVALS_PER_CHUNK = 2_000;

export interface ChunkRequest {
  readonly project: string;
  readonly view: BatchViewSpec;
  /** Undefined: everything that is due. Otherwise only whole intervals inside it, as far as they are due. */
  readonly range?: Interval;
  /** Whether committed intervals are computed anew. */
  readonly restate: boolean;
  readonly now: Micros;
}

/** The work there is, cut into chunks, oldest first. */
export async function planChunks(
  { project, view, range, restate, now }: ChunkRequest,
  { ledger, sources }: { readonly ledger: Ledger; readonly sources: SourceReader },
): Promise<readonly Interval[]> {
  const due = dueRange(view, now);
  const wanted = range === undefined ? due : wantedPart(view, range, due);
  if (wanted === undefined) return [];
  const version = { project, view: view.name, version: view.version };
  const missing = restate ? [wanted] : missingOf(wanted, await ledger.coverage(version));
  if (missing.length === 0) return [];
  const schedule = scheduleOf(view.schedule);
  return cutChunks(schedule, firstTick(view), missing, await intervalsPerChunk(view, wanted, sources));
}

function wantedPart(view: BatchViewSpec, range: Interval, due: Interval | undefined): Interval | undefined {
  const whole = wholeIntervals(scheduleOf(view.schedule), range);
  if (whole === undefined) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot materialize ${formatViewVersion({ view: view.name, version: view.version })} over ${formatInterval(range)}: no whole interval of schedule "${view.schedule}" lies in it. Give a longer range.`,
    );
  }
  return due === undefined ? undefined : intersect(whole, due);
}

async function intervalsPerChunk(
  view: BatchViewSpec,
  range: Interval,
  sources: SourceReader,
): Promise<number> {
  const extents = await Promise.all(view.sources.map((source) => sources.extent(source, range)));
  const rows = extents.reduce((total, extent) => total + extent.rows, 0);
  const intervals = scheduleOf(view.schedule).ticks(range.start, range.end).length - 1;
  if (rows === 0 || intervals === 0) return INTERVALS_PER_CHUNK;
  return Math.max(1, Math.min(INTERVALS_PER_CHUNK, Math.floor((ROWS_PER_CHUNK / rows) * intervals)));
}
