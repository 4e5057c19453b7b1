import { TidemarkError } from '../core/errors.ts';
import { type BatchViewSpec, formatViewVersion } from '../core/feature-view.ts';
import { contains, formatInterval, type Interval, intersect, subtract } from '../core/interval.ts';
import { scheduleOf, wholeIntervals } from '../core/schedule.ts';
import type { Micros } from '../core/time.ts';
import type { LateInput } from '../ledger/late-input.ts';
import type { HeldRange, Ledger } from '../ledger/ledger.ts';
import { missingOf } from '../ledger/watermark.ts';
import type { SourceReader } from '../offline/source-reader.ts';
import { intervalsPerChunk } from './chunk-size.ts';
import { cutChunks } from './cut-chunks.ts';
import { dueRange, firstTick } from './due-range.ts';
import { lateParts } from './late-parts.ts';

export interface ChunkRequest {
  readonly project: string;
  readonly view: BatchViewSpec;
  /** Undefined: everything that is due. Otherwise only whole intervals inside it, as far as they are due. */
  readonly range?: Interval;
  /** Whether committed intervals are computed anew. */
  readonly restate: boolean;
  readonly now: Micros;
}

export interface ChunkPlan {
  /** The work there is, cut into chunks, oldest first. */
  readonly chunks: readonly Interval[];
  /** Committed intervals that rows have come to since, cut like the others: to be restated. */
  readonly late: readonly Interval[];
  /** What waits for a person's decision, and is no work until then. */
  readonly held: readonly HeldRange[];
}

export interface PlanChunksDeps {
  readonly ledger: Ledger;
  readonly sources: SourceReader;
  readonly late: LateInput;
}

export async function planChunks(
  { project, view, range, restate, now }: ChunkRequest,
  { ledger, sources, late }: PlanChunksDeps,
): Promise<ChunkPlan> {
  const due = dueRange(view, now);
  const wanted = range === undefined ? due : wantedPart(view, range, due);
  if (due === undefined || wanted === undefined) return { chunks: [], late: [], held: [] };
  const coverage = await ledger.coverage({ project, view: view.name, version: view.version });
  const held = coverage.held.filter((part) => contains(wanted, part));
  const missing = restate ? subtract(wanted, coverage.held) : missingOf(wanted, coverage);
  const overdue = restate ? [] : await lateParts({ project, view, wanted, coverage }, late);
  if (missing.length === 0 && overdue.length === 0) return { chunks: [], late: [], held };
  const schedule = scheduleOf(view.schedule);
  const approved = missing.filter((part) => coverage.approved.some((range) => isSame(range, part)));
  const rest = missing.filter((part) => !approved.includes(part));
  const intervals = await intervalsPerChunk(view, [...rest, ...overdue], sources);
  const cut = cutChunks(schedule, firstTick(view), rest, intervals);
  // An approved range is computed as it was approved, whatever the cuts are by now.
  return {
    chunks: [...cut, ...approved].toSorted((a, b) => (a.start < b.start ? -1 : 1)),
    late: cutChunks(schedule, firstTick(view), overdue, intervals),
    held,
  };
}

function isSame(a: Interval, b: Interval): boolean {
  return a.start === b.start && a.end === b.end;
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
