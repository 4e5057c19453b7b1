-- Training sets that were asked for by the name of a feature service: what a model of that service was trained on.

create table service_sets (
  project text not null,
  service text not null,
  -- Of the training set; one that several services give alike is theirs all.
  id text not null,
  rows bigint not null,
  -- 'any', 'row', or an ISO 8601 time.
  known_at text not null,
  created_at timestamptz not null,
  primary key (project, service, id)
);

create index service_sets_newest on service_sets (project, service, created_at desc);
