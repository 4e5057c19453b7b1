import { elapsed, type Micros } from '../core/time.ts';
import type { Alert, AlertState } from './alert.ts';
import type { Look } from './alert-store.ts';

/** An open alert, and when its sinks were last told of it. */
export interface OpenAlert extends Alert {
  readonly toldAt: Micros;
}

export interface Judgement {
  /** Open after the look, as they are then. */
  readonly open: readonly OpenAlert[];
  /** What happened, in the order in which it is told. */
  readonly changes: readonly AlertChange[];
}

export interface AlertChange {
  readonly state: AlertState;
  readonly alert: Alert;
}

/** What a look does to the alerts that were open before it. */
export function judgeAlerts(before: readonly OpenAlert[], look: Look): Judgement {
  const { findings, repeatEvery, now } = look;
  const known = new Map(before.map((alert) => [alert.identity, alert]));
  const found = new Map(findings.map((finding) => [finding.identity, finding]));
  const open: OpenAlert[] = [];
  const opened: AlertChange[] = [];
  const repeated: AlertChange[] = [];
  for (const finding of found.values()) {
    const earlier = known.get(finding.identity);
    const due = earlier !== undefined && elapsed(earlier.toldAt, now) >= repeatEvery;
    const alert: OpenAlert = {
      ...finding,
      openedAt: earlier?.openedAt ?? now,
      lastSeenAt: now,
      toldAt: earlier === undefined || due ? now : earlier.toldAt,
      resolvedAt: null,
    };
    open.push(alert);
    if (earlier === undefined) opened.push({ state: 'opened', alert });
    else if (due) repeated.push({ state: 'repeated', alert });
  }
  const resolved = before
    .filter(({ identity }) => !found.has(identity))
    .map((alert): AlertChange => ({ state: 'resolved', alert: { ...alert, resolvedAt: now } }));
  return { open, changes: [...opened, ...repeated, ...resolved] };
}
