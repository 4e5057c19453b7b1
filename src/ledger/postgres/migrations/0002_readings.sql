-- What the database held when an attempt began, before it read anything: what came later may not be in its work.

alter table ledger_attempts
  add column begun_at timestamptz not null default clock_timestamp(),
  add column begun_in pg_snapshot not null default pg_current_snapshot();

-- Committed ranges and when what they read was read, for those who keep what is read. `version_ids` is the version as
-- the index has it.
create view ledger_readings as
  select version_id, int4range(version_id, version_id, '[]') as version_ids, range, begun_at, begun_in
  from ledger_attempts where state in ('done', 'empty');
