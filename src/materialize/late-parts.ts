import type { BatchViewSpec } from '../core/feature-view.ts';
import { type Interval, intersect, subtract, union } from '../core/interval.ts';
import { scheduleOf } from '../core/schedule.ts';
import { type DurationMicros, durationOf } from '../core/time.ts';
import type { LateInput } from '../ledger/late-input.ts';
import type { Coverage } from '../ledger/ledger.ts';

/**
 * The committed intervals inside `wanted` that rows have come to since they were computed. What waits for a
 * decision, or has been approved, is not among them.
 */
export async function lateParts(
  request: {
    readonly project: string;
    readonly view: BatchViewSpec;
    readonly wanted: Interval;
    readonly coverage: Pick<Coverage, 'committed' | 'held' | 'approved'>;
  },
  late: LateInput,
): Promise<readonly Interval[]> {
  const { project, view, wanted, coverage } = request;
  const version = { project, view: view.name, version: view.version };
  const reach = reachOf(view);
  const found = await Promise.all(view.sources.map((source) => late.lateRanges({ version, source, reach })));
  const schedule = scheduleOf(view.schedule);
  const whole = union(
    found.flat().map(({ start, end }) => ({ start: schedule.floor(start), end: schedule.ceil(end) })),
  );
  return whole.flatMap((range) =>
    coverage.committed.flatMap((committed) => {
      const part = intersect(range, committed);
      const inside = part && intersect(part, wanted);
      return inside === undefined ? [] : subtract(inside, [...coverage.held, ...coverage.approved]);
    }),
  );
}

/**
 * How far after its event time a row is read. An aggregated row also tells that its window has run empty, at the
 * first tick after it. What a SQL query reads besides its interval only the query knows: it counts as nothing.
 */
function reachOf({ transformation }: BatchViewSpec): DurationMicros {
  if (transformation.kind !== 'aggregations') return durationOf('0s');
  return transformation.aggregations
    .flatMap(({ aggregation }) =>
      aggregation.kind === 'ratio' ? [aggregation.numerator, aggregation.denominator] : [aggregation],
    )
    .map(({ window }) => durationOf(window))
    .reduce(longer, durationOf('0s'));
}

function longer(a: DurationMicros, b: DurationMicros): DurationMicros {
  return a > b ? a : b;
}
