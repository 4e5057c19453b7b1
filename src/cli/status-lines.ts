import { type DurationMicros, formatDuration, formatTime } from '../core/time.ts';
import type { Alert } from '../monitor/alert.ts';
import type { ViewStatus } from '../monitor/view-status.ts';
import { countText, table } from './output.ts';

/** `tidemark status` for people. */
export function statusLines(views: readonly ViewStatus[], alerts: readonly Alert[]): readonly string[] {
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
    view.freshness,
    countText(view.missingIntervals),
    countText(view.heldIntervals),
    countText(view.failedIntervals),
    view.nextRunAt,
  ]);
  return [
    ...table([head, ...rows]),
    '',
    ...(alerts.length === 0
      ? ['No open alerts.']
      : [`${alerts.length} open alerts:`, ...alerts.map(alertLine)]),
  ];
}

function alertLine({ severity, summary, openedAt }: Alert): string {
  return `  ${severity}  ${summary} (since ${formatTime(openedAt)})`;
}

function seconds(count: number): string {
  return formatDuration((BigInt(Math.round(count)) * 1_000_000n) as DurationMicros);
}
