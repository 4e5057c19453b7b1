-- The interval ledger: what every range of a view version's history is in, and who works on it.

create table ledger_versions (
  id integer generated always as identity primary key,
  project text not null,
  view text not null,
  version integer not null,
  fingerprint text not null,
  unique (project, view, version)
);

-- One sequence for all versions: a version that was forgotten and claimed anew must not repeat a fence.
create sequence ledger_fences;

create table ledger_attempts (
  id bigint generated always as identity primary key,
  version_id integer not null references ledger_versions on delete cascade,
  fence bigint not null,
  -- The range that was claimed, computed and published. It never changes.
  claimed_range tstzrange not null,
  -- The part of it that still counts: other commits over it trim it, and may leave several rows with one fence.
  range tstzrange not null,
  state text not null check (state in ('running', 'held', 'approved', 'done', 'empty', 'failed', 'superseded')),
  owner text not null,
  run_id text not null,
  restate boolean not null,
  claimed_at timestamptz not null,
  lease_until timestamptz not null,
  -- The effect that a person approved for this range.
  approved_effect_key text,
  -- The attempt was ended by somebody else than its holder.
  taken_over boolean not null default false,
  effect_key text,
  input_digest text,
  revision integer,
  staged_at timestamptz,
  file_path text,
  file_rows bigint,
  file_bytes bigint,
  file_digest text,
  -- Why it is held, or why it failed.
  reason text,
  ended_at timestamptz,
  decided_by text,
  committed_at timestamptz,
  superseded_at timestamptz,
  constraint ledger_range_is_half_open check (
    not isempty(range) and lower_inc(range) and not upper_inc(range) and not lower_inf(range)
    and not upper_inf(range) and range <@ claimed_range
  ),
  constraint ledger_file_is_whole check (
    num_nulls(file_path, file_rows, file_bytes, file_digest) in (0, 4)
  ),
  constraint ledger_done_has_file check (state <> 'done' or file_path is not null),
  constraint ledger_empty_has_none check (state <> 'empty' or file_path is null),
  constraint ledger_committed_is_staged check (
    committed_at is null or num_nulls(effect_key, input_digest, revision) = 0
  ),
  -- The version as a range of one integer, so that plain GiST is enough and no extension has to be allowed.
  constraint ledger_one_committed exclude using gist (
    int4range(version_id, version_id, '[]') with &&, range with &&
  ) where (state in ('done', 'empty')),
  constraint ledger_one_in_flight exclude using gist (
    int4range(version_id, version_id, '[]') with &&, range with &&
  ) where (state in ('running', 'held', 'approved'))
);

create index ledger_attempts_by_fence on ledger_attempts (version_id, fence);
create index ledger_attempts_failed on ledger_attempts (version_id, fence) where state = 'failed';

-- The newest revision handed out for each range, whatever became of the attempt: what may have been published.
-- A range inside a newer one is dropped, since nothing can overlap it without overlapping the newer one.
create table ledger_revisions (
  version_id integer not null references ledger_versions on delete cascade,
  range tstzrange not null,
  effect_key text not null,
  revision integer not null,
  primary key (version_id, range)
);

create index ledger_revisions_by_range on ledger_revisions
  using gist (int4range(version_id, version_id, '[]'), range);
