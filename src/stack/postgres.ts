import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { TidemarkError } from '../core/errors.ts';
import { type PostgresBinaries, postgresBinaries } from './postgres-binaries.ts';
import { ownerOf, postgresFolder, postgresUser, type UserId } from './postgres-user.ts';
import { commandLine, stopProcess } from './process.ts';
import { runCommand } from './run-command.ts';
import type { Server } from './server.ts';

const DATABASE = 'tidemark';
const SUPERUSER = 'tidemark';
const DRAFT = 'new-';
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  // A socket's path may be at most 107 bytes long, and a home may lie deeper; TCP alone is enough.
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '64MB',
  // A dynamic library loaded for nothing: no query here is long enough to gain from compilation.
  jit: 'off',
  log_timezone: 'UTC',
  timezone: 'UTC',
} as const;

export const postgres: Server = {
  name: 'postgres',
  title: 'Postgres',
  variable: 'DATABASE_URL',
  // "Fast" shutdown: sessions are ended, data is flushed.
  stopSignal: 'SIGINT',
  given: (config) => config.databaseUrl,

  async prepare({ home, onProgress }) {
    const lent = await postgresUser();
    const folder = await postgresFolder(home, lent);
    const data = join(folder, 'data');
    const user = existsSync(data) ? ownerOf(data, lent) : lent;
    const binaries = await postgresBinaries(user);
    if (!existsSync(data)) {
      onProgress('Creating the Postgres data folder.');
      await createCluster(folder, binaries, user);
    }
    await clearLeftovers(data);
    const password = readPassword(folder);
    return {
      file: binaries.postgres,
      env: cleanEnvironment(),
      user,
      args: (port) => [
        '-D',
        data,
        '-p',
        String(port),
        ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      address: (port) => `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${DATABASE}`,
    };
  },

  async probe(address) {
    const client = new pg.Client({ connectionString: address, connectionTimeoutMillis: 5_000 });
    // A server that goes away during the probe is reported by the rejected call; the event would end the process.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
    } finally {
      await client.end().catch(() => {});
    }
  },
};

/** Built beside its place and renamed: an interrupted initdb leaves nothing that looks like a data folder. */
async function createCluster(
  folder: string,
  { initdb, postgres: server }: PostgresBinaries,
  user: UserId | null,
): Promise<void> {
  for (const name of readdirSync(folder))
    if (name.startsWith(DRAFT)) rmSync(join(folder, name), { recursive: true, force: true });
  const draft = mkdtempSync(join(folder, DRAFT));
  try {
    const password = randomBytes(18).toString('base64url');
    const passwordFile = join(draft, 'password');
    writeFileSync(passwordFile, password, { mode: 0o600 });
    const cluster = join(draft, 'data');
    mkdirSync(cluster, { mode: 0o700 });
    if (user !== null) for (const path of [draft, cluster, passwordFile]) chownSync(path, user.uid, user.gid);
    const options = { user, cwd: '/', env: cleanEnvironment(), timeoutMs: 180_000 };
    // The builtin provider knows Unicode and does not depend on what locales the machine has.
    const created = await runCommand(
      initdb,
      [
        `--pgdata=${cluster}`,
        `--username=${SUPERUSER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--no-locale',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
      ],
      options,
    );
    if (!created.ok) throw failed('create its data folder', created.stderr);
    const database = await createDatabase(server, cluster, options);
    if (database !== null) throw failed(`create the database "${DATABASE}"`, database);
    writeFileSync(passwordFileIn(folder), `${password}\n`, { mode: 0o600 });
    renameSync(cluster, join(folder, 'data'));
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Single-user mode needs no port; null, or why it failed. */
async function createDatabase(
  server: string,
  cluster: string,
  options: Parameters<typeof runCommand>[2] & object,
): Promise<string | null> {
  const result = await runCommand(server, ['--single', '-D', cluster, 'postgres'], {
    ...options,
    input: `CREATE DATABASE ${DATABASE};\n`,
  });
  return result.ok && !/ERROR|FATAL/.test(result.stderr) ? null : result.stderr;
}

/**
 * The pid file of a server that was killed stops the next one when its pid means another process by now. A Postgres
 * that truly runs on this data folder, and that no state file knows, lost its parent at its first breath: it ends.
 */
async function clearLeftovers(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  const command = Number.isInteger(pid) ? commandLine(pid) : '';
  if (command.includes('postgres') && command.includes(data)) {
    await stopProcess({ pid, program: 'postgres' }, postgres.stopSignal);
  } else rmSync(file, { force: true });
}

function passwordFileIn(folder: string): string {
  return join(folder, 'password');
}

function readPassword(folder: string): string {
  try {
    return readFileSync(passwordFileIn(folder), 'utf8').trim();
  } catch (cause) {
    throw new TidemarkError(
      'STACK_UNAVAILABLE',
      `Cannot start Postgres: its data is there, but not the file ${passwordFileIn(folder)}. Bring the file back, or delete the folder it was in to begin anew.`,
      { cause },
    );
  }
}

/** Without the PG* variables of whoever starts it: PGDATA, PGOPTIONS and the like would redirect the server. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('PG') && !name.startsWith('LC_'),
  );
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}

function failed(what: string, stderr: string): TidemarkError {
  return new TidemarkError(
    'STACK_UNAVAILABLE',
    `Postgres could not ${what}: ${stderr.trim().split('\n').slice(-4).join(' ')}`,
  );
}
