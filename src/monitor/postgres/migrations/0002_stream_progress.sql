-- The newest event time that each stream view has taken in.

create table stream_progress (
  project text not null,
  view text not null,
  version integer not null,
  newest_event timestamptz not null,
  primary key (project, view, version)
);
