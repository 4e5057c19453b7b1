import { consumersText, isTrainingSet } from '../core/consumer.ts';
import { type BatchViewSpec, formatViewVersion } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import { batchViews, findView, type Manifest } from '../core/manifest.ts';
import { scheduleOf, wholeIntervals } from '../core/schedule.ts';
import type { SourceSpec } from '../core/source.ts';
import { durationOf, formatTime, type Micros, subtractDuration, timeOf } from '../core/time.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { missingOf } from '../ledger/watermark.ts';
import type { SourceReader } from '../offline/source-reader.ts';
import type { Registry } from '../registry/registry.ts';
import { countIntervals } from './count-intervals.ts';
import { estimatedOnlineBytes, estimatedSeconds, readRange } from './estimate.ts';
import type { PlannedBackfill } from './plan.ts';
import type { PlanFacts } from './plan-facts.ts';

export interface FactSources {
  readonly registry: Pick<Registry, 'consumers' | 'servingVersions'>;
  readonly ledger: Pick<Ledger, 'coverage'>;
  readonly sourceReader: Pick<SourceReader, 'extent'>;
  readonly now: Micros;
}

/** Beyond so many gaps, rows are estimated over all of them together. */
const MAX_GAPS_MEASURED = 16;

/** Asks ledger, registry and sources what `buildPlan` needs to know. `previous` is empty before the first apply. */
export async function gatherFacts(
  previous: Manifest,
  next: Manifest,
  files: PlanFacts['files'],
  { registry, ledger, sourceReader, now }: FactSources,
): Promise<PlanFacts> {
  const { project } = next;
  const measure = cachedExtent(sourceReader);
  const backfills: PlannedBackfill[] = [];
  for (const view of batchViews(next)) {
    const due = dueRange(view, now);
    if (due === undefined) continue;
    const coverage = await ledger.coverage({ project, view: view.name, version: view.version });
    const missing = missingOf(due, coverage);
    if (missing.length > 0) backfills.push(await plannedBackfill(view, missing, measure));
  }
  // A service or a schedule is changed with its views: in `next` it can only read versions that `next` has.
  const defined = {
    feature_service: new Set(previous.services.map(({ name }) => name)),
    training_set_schedule: new Set(previous.trainingSetSchedules.map(({ name }) => name)),
  };
  const consumers = new Map<string, readonly string[]>();
  for (const { name, version } of previous.views) {
    if (findView(next, name, version) !== undefined) continue;
    const readers = await registry.consumers({ project, view: name, version });
    // A training set keeps what it has read: alone it holds no removal up.
    const blocking = readers.filter(
      ({ kind, name: reader }) => kind !== 'training_set' && !defined[kind].has(reader),
    );
    consumers.set(
      formatViewVersion({ view: name, version }),
      blocking.length === 0 ? [] : consumersText([...blocking, ...readers.filter(isTrainingSet)]),
    );
  }
  return { backfills, consumers, servingVersions: await registry.servingVersions(project), files };
}

/** The whole intervals that are due: complete, data delay included, by now. */
export function dueRange(view: BatchViewSpec, now: Micros): Interval | undefined {
  return wholeIntervals(scheduleOf(view.schedule), {
    start: timeOf(view.startTime),
    end: subtractDuration(now, durationOf(view.dataDelay)),
  });
}

type Measure = (
  source: SourceSpec,
  range: Interval,
) => Promise<{ readonly rows: number; readonly bytes: number }>;

async function plannedBackfill(
  view: BatchViewSpec,
  missing: readonly Interval[],
  measure: Measure,
): Promise<PlannedBackfill> {
  const schedule = scheduleOf(view.schedule);
  let rows = 0;
  let bytes = 0;
  for (const source of view.sources) {
    for (const gap of measurable(missing)) {
      const extent = await measure(source, readRange(view, gap));
      rows += extent.rows;
      bytes += extent.bytes;
    }
  }
  return {
    view: view.name,
    version: view.version,
    missing: missing.map(({ start, end }) => ({ start: formatTime(start), end: formatTime(end) })),
    intervals: missing.reduce((sum, gap) => sum + countIntervals(schedule, gap), 0),
    rows,
    bytes,
    seconds: estimatedSeconds(rows),
    onlineBytes: estimatedOnlineBytes(view, rows),
  };
}

function measurable(gaps: readonly Interval[]): readonly Interval[] {
  const [first] = gaps;
  const last = gaps.at(-1);
  if (first === undefined || last === undefined || gaps.length <= MAX_GAPS_MEASURED) return gaps;
  return [{ start: first.start, end: last.end }];
}

/** Views on one source mostly ask for the same range. */
function cachedExtent(sourceReader: Pick<SourceReader, 'extent'>): Measure {
  const known = new Map<string, ReturnType<Measure>>();
  return (source, range) => {
    const key = `${source.name} ${range.start} ${range.end}`;
    const extent = known.get(key) ?? sourceReader.extent(source, range);
    known.set(key, extent);
    return extent;
  };
}
