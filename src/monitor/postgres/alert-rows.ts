import { microsColumn, microsFrom } from '../../registry/postgres/postgres-time.ts';
import type { Details, FindingKind, Severity } from '../finding.ts';
import type { OpenAlert } from '../judge-alerts.ts';

/** An alert as the statements here select it. */
export interface AlertRow {
  readonly project: string;
  readonly identity: string;
  readonly kind: FindingKind;
  readonly view: string | null;
  readonly version: number | null;
  readonly severity: Severity;
  readonly summary: string;
  readonly details: Details;
  readonly opened: string;
  readonly last_seen: string;
  readonly told: string;
  readonly resolved: string | null;
}

export const ALERT_COLUMNS = `project, identity, kind, view, version, severity, summary, details,
  ${microsColumn('opened_at')} as opened, ${microsColumn('last_seen_at')} as last_seen,
  ${microsColumn('told_at')} as told, ${microsColumn('resolved_at')} as resolved`;

export function alertFrom(row: AlertRow): OpenAlert {
  const { project, identity, kind, view, version, severity, summary, details } = row;
  return {
    project,
    identity,
    kind,
    view,
    version,
    severity,
    summary,
    details,
    openedAt: microsFrom(row.opened),
    lastSeenAt: microsFrom(row.last_seen),
    toldAt: microsFrom(row.told),
    resolvedAt: row.resolved === null ? null : microsFrom(row.resolved),
  };
}
