import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ServerName } from './server-name.ts';

/** Where everything of one embedded stack lies. */
export interface Home {
  readonly path: string;
  /** Holds Postgres' data folder and its generated password, which live equally long. May be a link. */
  readonly postgres: string;
  readonly redisData: string;
  readonly temporalDatabase: string;
  readonly stateFile: string;
  readonly lockFile: string;
  log(server: ServerName): string;
}

export function homeAt(path: string): Home {
  return {
    path,
    postgres: join(path, 'postgres'),
    redisData: join(path, 'redis'),
    temporalDatabase: join(path, 'temporal.db'),
    stateFile: join(path, 'stack.json'),
    lockFile: join(path, 'stack.lock'),
    log: (server) => join(path, 'logs', `${server}.log`),
  };
}

/** True when no server has run from it before. */
export function makeHome(home: Home): boolean {
  const isUnused = !existsSync(home.redisData);
  const isNew = !existsSync(home.path);
  // Not at once: where the system keeps answering that there is no such folder (/proc), `recursive` never ends.
  for (const folder of missing(home.path)) mkdirSync(folder);
  mkdirSync(join(home.path, 'logs'), { recursive: true });
  mkdirSync(home.redisData, { recursive: true });
  // Others may pass through (under root, Postgres runs as another user) but neither list nor change anything.
  if (isNew) chmodSync(home.path, 0o711);
  return isUnused;
}

/** The folder itself as the last. */
function missing(folder: string): readonly string[] {
  return existsSync(folder) ? [] : [...missing(dirname(folder)), folder];
}
