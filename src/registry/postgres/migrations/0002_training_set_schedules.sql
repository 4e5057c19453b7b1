-- Training sets that are built on a schedule: definitions, who they read, and what their ticks gave.

alter table objects drop constraint objects_kind_check;
alter table objects add constraint objects_kind_check check (
  kind in ('entity', 'source', 'batch_view', 'on_demand_view', 'feature_service', 'training_set_schedule')
);

alter table consumers drop constraint consumers_kind_check;
alter table consumers add constraint consumers_kind_check check (
  kind in ('feature_service', 'training_set_schedule', 'training_set')
);

-- One row a tick: the last try of it.
create table scheduled_sets (
  project text not null,
  schedule text not null,
  tick timestamptz not null,
  ended_at timestamptz not null,
  -- Of a set: its id, its rows, and whether it was there already.
  training_set text,
  rows bigint,
  reused boolean,
  -- Of a failure: its code and what happened.
  code text,
  message text,
  primary key (project, schedule, tick),
  check ((training_set is null) <> (code is null))
);
