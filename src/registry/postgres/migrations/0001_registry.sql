-- Definitions with their history, and the runtime facts beside them.

create table projects (
  name text primary key,
  revision integer not null,
  applied_at timestamptz not null
);

create table applies (
  project text not null references projects,
  revision integer not null,
  applied_by text not null,
  commit_id text,
  applied_at timestamptz not null,
  primary key (project, revision)
);

-- One row for each state an object was in; the live one has no valid_to_revision.
create table objects (
  id bigint generated always as identity primary key,
  project text not null references projects,
  kind text not null check (kind in ('entity', 'source', 'batch_view', 'on_demand_view', 'feature_service')),
  name text collate "C" not null,
  -- 0 for kinds that have no versions.
  version integer not null,
  spec jsonb not null,
  digest text not null,
  valid_from_revision integer not null,
  valid_to_revision integer check (valid_to_revision > valid_from_revision),
  foreign key (project, valid_from_revision) references applies,
  foreign key (project, valid_to_revision) references applies
);

create unique index objects_live on objects (project, kind, name, version) where valid_to_revision is null;
create index objects_by_start on objects (project, valid_from_revision);
create index objects_by_end on objects (project, valid_to_revision);

-- The version that an unpinned reference reads.
create table serving_versions (
  project text not null references projects,
  view text not null,
  version integer not null,
  set_by text not null,
  set_at timestamptz not null default now(),
  primary key (project, view)
);

-- Who reads a version. Services are derived from the applied manifest; training sets are added as they are built.
create table consumers (
  project text not null,
  view text not null,
  version integer not null,
  kind text not null check (kind in ('feature_service', 'training_set')),
  name text not null,
  since timestamptz not null default now(),
  primary key (project, view, version, kind, name)
);
