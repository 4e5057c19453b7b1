import { randomUUID } from 'node:crypto';
import { durationOf, elapsed, formatTime, type Micros } from '../../core/time.ts';
import { type PostgresPool, type Query, transaction } from '../../registry/postgres/pool.ts';
import { microsColumn, microsFrom, timeParameter } from '../../registry/postgres/postgres-time.ts';
import { type AlertState, alertEvent } from '../alert.ts';
import type { Look, Reconciled } from '../alert-store.ts';
import { type AlertChange, judgeAlerts, type OpenAlert } from '../judge-alerts.ts';
import { ALERT_COLUMNS, type AlertRow, alertFrom } from './alert-rows.ts';

/** No look lasts longer (the monitor's execution timeout): a "later" one beyond it was made by a wrong clock. */
const LONGEST_LOOK = durationOf('10m');

/** How long resolved alerts and what was told of them are kept. */
const KEPT = '90 days';

export function reconcile(pool: PostgresPool, look: Look): Promise<Reconciled> {
  return transaction(pool, async (query) => {
    const current = await takeTurn(query, look.project, look.now);
    const before = await openAlerts(query, look.project);
    if (!current) return { opened: 0, repeated: 0, resolved: 0, open: before.length };
    const { open, changes } = judgeAlerts(before, look);
    const count = (state: AlertState) => changes.filter((change) => change.state === state).length;
    await writeOpen(query, open);
    await writeResolved(query, look, changes);
    await queueDeliveries(query, look, changes);
    await forgetOld(query, look);
    return {
      opened: count('opened'),
      repeated: count('repeated'),
      resolved: count('resolved'),
      open: open.length,
    };
  });
}

/** Waits for monitors of the same project; false when one of them has looked at a later time than `now`. */
async function takeTurn(query: Query, project: string, now: Micros): Promise<boolean> {
  await query(`insert into alert_looks (project, looked_at) values ($1, $2) on conflict do nothing`, [
    project,
    timeParameter(now),
  ]);
  const [row] = await query<{ looked: string }>(
    `select ${microsColumn('looked_at')} as looked from alert_looks where project = $1 for update`,
    [project],
  );
  const last = row === undefined ? now : microsFrom(row.looked);
  if (last > now && elapsed(now, last) < LONGEST_LOOK) return false;
  await query(`update alert_looks set looked_at = $2 where project = $1`, [project, timeParameter(now)]);
  return true;
}

async function openAlerts(query: Query, project: string): Promise<readonly OpenAlert[]> {
  const rows = await query<AlertRow>(
    `select ${ALERT_COLUMNS} from alerts where project = $1 and resolved_at is null order by id`,
    [project],
  );
  return rows.map(alertFrom);
}

async function writeOpen(query: Query, open: readonly OpenAlert[]): Promise<void> {
  if (open.length === 0) return;
  const rows = open.map((alert) => ({
    ...alert,
    opened_at: formatTime(alert.openedAt),
    last_seen_at: formatTime(alert.lastSeenAt),
    told_at: formatTime(alert.toldAt),
    openedAt: undefined,
    lastSeenAt: undefined,
    toldAt: undefined,
  }));
  await query(
    `insert into alerts (project, identity, kind, view, version, severity, summary, details, opened_at,
       last_seen_at, told_at)
     select project, identity, kind, view, version, severity, summary, details, opened_at, last_seen_at, told_at
     from jsonb_to_recordset($1::jsonb) as found (project text, identity text, kind text, view text,
       version integer, severity text, summary text, details jsonb, opened_at timestamptz,
       last_seen_at timestamptz, told_at timestamptz)
     on conflict (project, identity) where resolved_at is null do update set
       severity = excluded.severity, summary = excluded.summary, details = excluded.details,
       last_seen_at = excluded.last_seen_at, told_at = excluded.told_at`,
    [JSON.stringify(rows)],
  );
}

async function writeResolved(query: Query, look: Look, changes: readonly AlertChange[]): Promise<void> {
  const gone = changes.filter(({ state }) => state === 'resolved').map(({ alert }) => alert.identity);
  if (gone.length === 0) return;
  await query(
    `update alerts set resolved_at = $3 where project = $1 and identity = any($2) and resolved_at is null`,
    [look.project, gone, timeParameter(look.now)],
  );
}

/** A reminder is left out where the sink has yet to hear something of the same alert: it was down meanwhile. */
async function queueDeliveries(query: Query, look: Look, changes: readonly AlertChange[]): Promise<void> {
  const rows = changes.flatMap(({ state, alert }) => {
    const event = alertEvent(randomUUID(), state, alert);
    return look.sinks.map((sink) => ({ sink, identity: alert.identity, state, event }));
  });
  if (rows.length === 0) return;
  await query(
    `insert into alert_deliveries (project, sink, identity, event, queued_at, next_attempt_at)
     select $1, change->>'sink', change->>'identity', change->'event', $2, $2
     from json_array_elements($3::json) with ordinality as changes (change, place)
     where change->>'state' <> 'repeated' or not exists (
       select from alert_deliveries waiting
       where waiting.project = $1 and waiting.sink = change->>'sink'
         and waiting.identity = change->>'identity'
         and waiting.delivered_at is null and waiting.given_up_at is null
     )
     order by place`,
    [look.project, timeParameter(look.now), JSON.stringify(rows)],
  );
}

async function forgetOld(query: Query, { project, now }: Look): Promise<void> {
  const before = `$2::timestamptz - interval '${KEPT}'`;
  await query(`delete from alerts where project = $1 and resolved_at < ${before}`, [
    project,
    timeParameter(now),
  ]);
  await query(
    `delete from alert_deliveries
     where project = $1 and queued_at < ${before} and num_nonnulls(delivered_at, given_up_at) > 0`,
    [project, timeParameter(now)],
  );
}
