import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TidemarkError } from '../../core/errors.ts';
import { type PostgresPool, type Query, transaction } from './pool.ts';

/** One adapter's numbered files `0001_name.sql` in a folder, applied in order and never edited afterwards. */
export interface MigrationSet {
  /** Names the set in the table of applied migrations, such as `ledger`. */
  readonly name: string;
  readonly folder: string;
}

interface Migration {
  readonly number: number;
  readonly file: string;
  readonly sql: string;
  readonly checksum: string;
}

/**
 * Brings the pool's schema up to date, all or nothing; makes the schema when it is missing. Safe to run from
 * several processes at once: one works, the others wait and find nothing to do.
 * Returns the files applied, as `set/0001_name.sql`. STORE_CORRUPT when an applied file was edited or is missing.
 */
export async function migrate(pool: PostgresPool, sets: readonly MigrationSet[]): Promise<readonly string[]> {
  const files = await Promise.all(sets.map(async (set) => ({ set, migrations: await readSet(set) })));
  return transaction(pool, async (query) => {
    // Waiting for another process's migration may take longer than any statement should.
    await query('set local statement_timeout = 0');
    const schema = await ownSchema(query);
    await query(`select pg_advisory_xact_lock(hashtextextended($1, 0))`, [`tidemark migrate ${schema}`]);
    await query(`create schema if not exists ${schema}`);
    await query(`
      create table if not exists migrations (
        set_name text not null,
        number integer not null,
        file text not null,
        checksum text not null,
        applied_at timestamptz not null default now(),
        primary key (set_name, number)
      )`);
    const applied: string[] = [];
    for (const { set, migrations } of files) {
      for (const migration of await pendingOf(query, set, migrations)) {
        await query(migration.sql);
        await query(`insert into migrations (set_name, number, file, checksum) values ($1, $2, $3, $4)`, [
          set.name,
          migration.number,
          migration.file,
          migration.checksum,
        ]);
        applied.push(`${set.name}/${migration.file}`);
      }
    }
    return applied;
  });
}

async function pendingOf(
  query: Query,
  set: MigrationSet,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  const landed = await query<{ number: number; file: string; checksum: string }>(
    `select number, file, checksum from migrations where set_name = $1 order by number`,
    [set.name],
  );
  for (const { number, file, checksum } of landed) {
    const found = migrations[number - 1];
    if (found === undefined) {
      throw corrupt(`it was set up by a newer Tidemark, which applied ${set.name}/${file}; use that one.`);
    }
    if (found.checksum !== checksum) {
      throw corrupt(
        `${set.name}/${found.file} was edited after it was applied; restore it and add a new file instead.`,
      );
    }
  }
  return migrations.slice(landed.length);
}

async function readSet(set: MigrationSet): Promise<readonly Migration[]> {
  const names = (await readdir(set.folder)).filter((name) => name.endsWith('.sql')).toSorted();
  return Promise.all(
    names.map(async (file, index) => {
      const number = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(file)?.[1]);
      if (number !== index + 1) {
        throw corrupt(
          `${set.name}/${file} is not numbered ${String(index + 1).padStart(4, '0')}; numbers begin at 0001 and leave no gap.`,
        );
      }
      const text = await readFile(join(set.folder, file), 'utf8');
      // A checkout on Windows may change line ends; that is no edit.
      const sql = text.replaceAll('\r\n', '\n');
      return { number, file, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** The schema that `connectPostgres` put on the search path; the name was checked there and is checked again here. */
async function ownSchema(query: Query): Promise<string> {
  const [row] = await query<{ path: string }>(`select current_setting('search_path') as path`);
  const schema = row?.path ?? '';
  if (/^[a-z_][a-z0-9_]*$/.test(schema)) return schema;
  throw new TidemarkError(
    'INTERNAL',
    'Cannot migrate the registry: its connection was not made by Tidemark.',
  );
}

function corrupt(reason: string): TidemarkError {
  return new TidemarkError('STORE_CORRUPT', `Cannot migrate the registry: ${reason}`);
}
