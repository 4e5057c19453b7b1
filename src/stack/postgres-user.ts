import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TidemarkError } from '../core/errors.ts';
import type { Home } from './home.ts';
import { runCommand } from './run-command.ts';

export interface UserId {
  readonly uid: number;
  readonly gid: number;
}

const CANDIDATES = ['postgres', 'nobody'] as const;

/**
 * Postgres refuses to run as root, so root lends it another user: `postgres` when the machine has one, else
 * `nobody`, so that no user has to be added to the machine. Null when this process is not root.
 */
export async function postgresUser(): Promise<UserId | null> {
  if (process.getuid?.() !== 0) return null;
  for (const name of CANDIDATES) {
    const [uid, gid] = await Promise.all([runCommand('id', ['-u', name]), runCommand('id', ['-g', name])]);
    if (uid.ok && gid.ok && Number(uid.stdout) !== 0)
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  throw new TidemarkError(
    'STACK_UNAVAILABLE',
    `Cannot start Postgres as root: it needs an unprivileged user, and this machine has neither "${CANDIDATES.join('" nor "')}". Start Tidemark as an ordinary user, or set DATABASE_URL to a running Postgres.`,
  );
}

/**
 * The folder for Postgres' data and password: `<home>/postgres`, unless root lends Postgres a user who cannot get
 * there (below /root, for one). Then it lies outside and `<home>/postgres` is a link to it: people still find it,
 * and a home that was deleted and made again does not meet the data of its predecessor.
 */
export async function postgresFolder(home: Home, user: UserId | null): Promise<string> {
  const entry = lstatSync(home.postgres, { throwIfNoEntry: false });
  if (entry !== undefined) {
    if (existsSync(home.postgres)) return realpathSync(home.postgres);
    throw new TidemarkError(
      'STACK_UNAVAILABLE',
      `Cannot start Postgres: ${home.postgres} links to a folder that is gone. Bring that folder back, or delete ${home.path} to begin anew.`,
    );
  }
  if (user === null || (await canEnter(home.path, user))) mkdirSync(home.postgres, { mode: 0o755 });
  else {
    const outside = mkdtempSync(join(outsideRoot(), 'postgres-'));
    chmodSync(outside, 0o755);
    symlinkSync(outside, home.postgres);
  }
  return realpathSync(home.postgres);
}

/** The user that runs an existing data folder is the one it belongs to; Postgres accepts no other. */
export function ownerOf(data: string, user: UserId | null): UserId | null {
  if (user === null) return null;
  const { uid, gid } = statSync(data);
  return uid === 0 ? user : { uid, gid };
}

/** Where things lie that the lent user must reach, when they cannot lie where they belong. */
export function outsideRoot(): string {
  for (const path of ['/var/lib/tidemark', join(tmpdir(), 'tidemark')]) {
    try {
      mkdirSync(path, { recursive: true, mode: 0o755 });
      return path;
    } catch {
      // Read-only systems have the second place only.
    }
  }
  throw new TidemarkError(
    'STACK_UNAVAILABLE',
    'Cannot start Postgres as root: the user it runs as can reach neither TIDEMARK_HOME nor /var/lib/tidemark. Set TIDEMARK_HOME to a folder that others may pass through (chmod o+x), or set DATABASE_URL.',
  );
}

async function canEnter(folder: string, user: UserId): Promise<boolean> {
  return (await runCommand('/bin/sh', ['-c', 'cd "$0"', folder], { user, cwd: '/' })).ok;
}
