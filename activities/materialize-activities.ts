import { Context } from '@temporalio/activity';
import type { Interval } from '../src/core/interval.ts';
import { scheduleOf } from '../src/core/schedule.ts';
import { formatTime, timeOf } from '../src/core/time.ts';
import { materializeChunk } from '../src/materialize/materialize-chunk.ts';
import { planChunks } from '../src/materialize/plan-chunks.ts';
import type {
  ChunkInput,
  ChunkResult,
  DecideInput,
  PlanChunksInput,
  PlannedChunks,
  TimeRange,
} from '../src/orchestrate/contracts.ts';
import { appliedBatchView } from '../src/registry/applied-manifest.ts';
import type { ActivityDeps } from './activity-deps.ts';
import { runActivity } from './run-activity.ts';

/** A workflow's payload stays small; who has decided these is shown the next ones. */
const HELD_LISTED = 40;

export function createMaterializeActivities(deps: ActivityDeps) {
  return {
    /** The chunks that are missing and due (or to be restated), in the order asked for. */
    planChunks: (input: PlanChunksInput): Promise<PlannedChunks> =>
      runActivity(async () => {
        const view = await appliedBatchView(deps.registry, input);
        const { chunks, late, held } = await planChunks(
          {
            project: input.project,
            view,
            ...(input.range && { range: toInterval(input.range) }),
            restate: input.restate,
            now: deps.clock(),
          },
          deps,
        );
        const oldest = [...chunks, ...late].toSorted((a, b) => (a.start < b.start ? -1 : 1));
        const ordered = input.order === 'newest' ? oldest.toReversed() : oldest;
        const schedule = scheduleOf(view.schedule);
        return {
          chunks: ordered.slice(0, input.limit).map((chunk) => ({
            ...toRange(chunk),
            intervals: schedule.ticks(chunk.start, chunk.end).length - 1,
            ...(late.includes(chunk) && { restate: true }),
          })),
          rest: spanOf(ordered.slice(input.limit)),
          held: held.slice(0, HELD_LISTED).map((range) => ({ ...toRange(range), reason: range.reason })),
        };
      }),

    /** Computes, checks, publishes and commits one chunk. */
    materializeChunk: (input: ChunkInput): Promise<ChunkResult> =>
      runActivity(async ({ signal, report }) => {
        const view = await appliedBatchView(deps.registry, input);
        return await materializeChunk(
          {
            project: input.project,
            view,
            range: toInterval(input),
            restate: input.restate,
            owner: deps.identity,
            runId: Context.current().info.workflowExecution?.runId ?? input.start,
            leaseFor: deps.leaseFor,
            signal,
            onProgress: report,
          },
          deps,
        );
      }),

    /** Writes a person's decision on a held chunk into the ledger. */
    decideHeld: (input: DecideInput): Promise<readonly TimeRange[]> =>
      runActivity(async () => {
        const version = { project: input.project, view: input.view, version: input.version };
        const decided = await deps.ledger.decide(
          version,
          toInterval(input),
          { kind: input.decision, by: input.by },
          deps.clock(),
        );
        return decided.map(toRange);
      }),
  };
}

function toInterval({ start, end }: TimeRange): Interval {
  return { start: timeOf(start), end: timeOf(end) };
}

function toRange({ start, end }: Interval): TimeRange {
  return { start: formatTime(start), end: formatTime(end) };
}

function spanOf(chunks: readonly Interval[]): TimeRange | null {
  const [first] = chunks;
  const last = chunks.at(-1);
  if (first === undefined || last === undefined) return null;
  const [oldest, newest] = first.start < last.start ? [first, last] : [last, first];
  return toRange({ start: oldest.start, end: newest.end });
}
