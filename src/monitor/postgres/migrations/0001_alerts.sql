-- Alerts, and the queue of what each sink has yet to be told.

-- When each project was last looked at. Its row is locked while alerts change: one monitor at a time.
create table alert_looks (
  project text primary key,
  looked_at timestamptz not null
);

create table alerts (
  id bigint generated always as identity primary key,
  project text not null,
  identity text not null,
  kind text not null,
  view text not null,
  version integer not null,
  severity text not null check (severity in ('critical', 'warning')),
  summary text not null,
  details jsonb not null,
  opened_at timestamptz not null,
  last_seen_at timestamptz not null,
  -- When the sinks were last told that it is open.
  told_at timestamptz not null,
  resolved_at timestamptz
);

create unique index alerts_open on alerts (project, identity) where resolved_at is null;
create index alerts_by_time on alerts (project, opened_at);

create table alert_deliveries (
  -- The order in which a sink is told; numbers are given under the lock of the project's look.
  id bigint generated always as identity primary key,
  project text not null,
  sink text not null,
  identity text not null,
  -- As the sink gets it, as it was when it happened; `json` keeps the order of its fields.
  event json not null,
  queued_at timestamptz not null,
  attempts integer not null default 0,
  next_attempt_at timestamptz not null,
  last_error text,
  delivered_at timestamptz,
  given_up_at timestamptz,
  constraint alert_deliveries_end_once check (num_nonnulls(delivered_at, given_up_at) < 2)
);

create index alert_deliveries_waiting on alert_deliveries (project, sink, id)
  where delivered_at is null and given_up_at is null;
create index alert_deliveries_by_time on alert_deliveries (project, queued_at);
