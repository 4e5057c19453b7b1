import { formatTime, type Micros } from '../core/time.ts';
import type { Details, Finding, Severity } from './finding.ts';

/** A finding with a life: from the look that first saw it to the one that no longer did. */
export interface Alert extends Finding {
  readonly openedAt: Micros;
  readonly lastSeenAt: Micros;
  readonly resolvedAt: Micros | null;
}

export type AlertState = 'opened' | 'repeated' | 'resolved';

/** What a sink is told, as it was when it happened: the body of a webhook, times as ISO text. */
export interface AlertEvent {
  /** Unique; a delivery made twice has the same one, so that a receiver can tell. */
  readonly id: string;
  readonly identity: string;
  readonly state: AlertState;
  readonly project: string;
  readonly view: string | null;
  readonly version: number | null;
  readonly severity: Severity;
  readonly summary: string;
  readonly openedAt: string;
  readonly resolvedAt: string | null;
  readonly details: Details;
}

/** An alert ready for JSON: times as ISO text. */
export type AlertFacts = Omit<Alert, 'openedAt' | 'lastSeenAt' | 'resolvedAt'> & {
  readonly openedAt: string;
  readonly lastSeenAt: string;
  readonly resolvedAt: string | null;
};

export function alertFacts(alert: Alert): AlertFacts {
  return {
    ...alert,
    openedAt: formatTime(alert.openedAt),
    lastSeenAt: formatTime(alert.lastSeenAt),
    resolvedAt: alert.resolvedAt === null ? null : formatTime(alert.resolvedAt),
  };
}

export function alertEvent(id: string, state: AlertState, alert: Alert): AlertEvent {
  const { identity, project, view, version, severity, summary, openedAt, resolvedAt, details } = alert;
  return {
    id,
    identity,
    state,
    project,
    view,
    version,
    severity,
    summary,
    openedAt: formatTime(openedAt),
    resolvedAt: resolvedAt === null ? null : formatTime(resolvedAt),
    details,
  };
}
