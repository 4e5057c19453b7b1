import { type DurationMicros, formatDuration, formatTime } from '../core/time.ts';
import type { Alert } from '../monitor/alert.ts';
import type { ViewStatus } from '../monitor/view-status.ts';
import { type UnreadableSegment, unreadableText } from '../push/unreadable-segments.ts';
import type { LastSet, ScheduleStatus } from '../training/schedule-statuses.ts';
import { countText, table } from './output.ts';

/** `tidemark status` for people. */
export function statusLines({
  views,
  trainingSets,
  unreadable,
  alerts,
}: {
  readonly views: readonly ViewStatus[];
  readonly trainingSets: readonly ScheduleStatus[];
  readonly unreadable: readonly UnreadableSegment[];
  readonly alerts: readonly Alert[];
}): readonly string[] {
  const head = [
    'VIEW',
    'SERVING',
    'WATERMARK',
    'AGE',
    'SLA',
    'STATE',
    'MISSING',
    'HELD',
    'FAILED',
    'NEXT RUN',
  ];
  const rows = views.map((view) => [
    view.view,
    view.serving ? 'yes' : 'no',
    view.watermark,
    seconds(view.ageSeconds),
    view.slaSeconds === null ? '-' : seconds(view.slaSeconds),
    // Nobody promised anything.
    view.freshness === 'unknown' ? '-' : view.freshness,
    countText(view.missingIntervals),
    countText(view.heldIntervals),
    countText(view.failedIntervals),
    view.nextRunAt ?? 'paused',
  ]);
  return [
    ...table([head, ...rows]),
    ...trainingSetLines(trainingSets),
    ...(unreadable.length === 0 ? [] : ['', ...unreadable.map(unreadableText)]),
    '',
    ...(alerts.length === 0
      ? ['No open alerts.']
      : [`${alerts.length} open alerts:`, ...alerts.map(alertLine)]),
  ];
}

function trainingSetLines(schedules: readonly ScheduleStatus[]): readonly string[] {
  if (schedules.length === 0) return [];
  const rows = schedules.map(({ name, last, nextBuildAt }) => [
    name,
    last?.tick ?? '-',
    ...(last === null ? ['-', 'nothing yet'] : [last.kind, resultText(last)]),
    nextBuildAt ?? 'paused',
  ]);
  return ['', ...table([['TRAINING SET', 'LAST TICK', 'STATE', 'RESULT', 'NEXT BUILD'], ...rows])];
}

function resultText(last: LastSet): string {
  if (last.kind === 'failed') return last.message.split('\n')[0] ?? last.code;
  return `${last.id.slice(0, 16)}, ${countText(last.rows)} rows${last.reused ? ', there already' : ''}`;
}

function alertLine({ severity, summary, openedAt }: Alert): string {
  return `  ${severity}  ${summary} (since ${formatTime(openedAt)})`;
}

function seconds(count: number): string {
  return formatDuration((BigInt(Math.round(count)) * 1_000_000n) as DurationMicros);
}
