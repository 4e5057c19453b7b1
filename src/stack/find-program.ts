import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runCommand } from './run-command.ts';

export type Found =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly reason: string };

/** The first of `names` on PATH whose `--version` is acceptable; else what was looked at, and why it will not do. */
export async function findProgram(
  names: readonly string[],
  accept: (version: string) => boolean,
  wanted: string,
): Promise<Found> {
  const refused: string[] = [];
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name);
      if (folder === '' || !isExecutable(path)) continue;
      const { ok, stdout } = await runCommand(path, ['--version'], { timeoutMs: 20_000 });
      if (ok && accept(stdout)) return { ok: true, path };
      refused.push(`${path} is not ${wanted}`);
    }
  }
  const reason = refused.length > 0 ? refused.join(', ') : `no ${names.join(' or ')} on PATH`;
  return { ok: false, reason };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
