-- Files of pushed rows. A file that is not here is not seen by anyone.

create table pushed_files (
  id bigint generated always as identity primary key,
  project text not null,
  source text not null,
  path text not null unique,
  rows bigint not null,
  bytes bigint not null,
  digest text not null,
  -- Whole minutes that hold the event times of its rows.
  event_times tstzmultirange not null,
  recorded_at timestamptz not null default clock_timestamp(),
  -- Whether somebody who read the source's files saw this one is told by their snapshot, not by two clocks.
  recorded_in xid8 not null default pg_current_xact_id()
);

create index pushed_files_by_source on pushed_files (project, source, recorded_at);
create index pushed_files_by_event_times on pushed_files using gist (event_times);

-- Until when all files of a source are known to be in the committed ranges of a version that they reach. It only saves
-- looking: without a row everything is looked at.
create table pushed_files_checked (
  version_id integer not null references ledger_versions on delete cascade,
  source text not null,
  checked_until timestamptz not null,
  primary key (version_id, source)
);
