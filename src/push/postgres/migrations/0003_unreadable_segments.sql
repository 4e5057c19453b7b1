-- Segments of pushed rows that could not be made files, wherever they lie. A log tells of its own once a minute.

create table unreadable_segments (
  -- The push log's own id: hosts may share paths, and containers change their names.
  log text not null,
  path text not null,
  project text not null,
  source text not null,
  host text not null,
  bytes bigint not null,
  reason text,
  seen_at timestamptz not null default clock_timestamp(),
  primary key (log, path)
);

create index unreadable_segments_by_project on unreadable_segments (project);
