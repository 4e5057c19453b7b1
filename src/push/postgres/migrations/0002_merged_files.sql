-- Small files become one. A file that was merged is read no longer and removed after a while; its record stays, for it
-- tells when its rows came.

alter table pushed_files
  add column is_merged boolean not null default false,
  add column replaced_by bigint references pushed_files,
  add column replaced_at timestamptz,
  add column removed_at timestamptz;

create index pushed_files_to_remove on pushed_files (project, source, replaced_at)
  where replaced_at is not null and removed_at is null;
