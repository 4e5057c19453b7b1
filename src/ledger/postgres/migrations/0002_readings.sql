-- What the database held when an attempt began, before it read anything: what came later may not be in its work.

alter table ledger_attempts
  add column begun_at timestamptz not null default clock_timestamp(),
  add column begun_in pg_snapshot not null default pg_current_snapshot();

-- Committed ranges and when what they read was read, for those who keep what is read.
create view ledger_readings as
  select v.project, v.view, v.version, a.range, a.begun_at, a.begun_in
  from ledger_attempts a join ledger_versions v on v.id = a.version_id
  where a.state in ('done', 'empty');
