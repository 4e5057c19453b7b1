import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readConfig } from '../../src/config.ts';

const run = promisify(execFile);

/** Why packages of Python cannot be had here; undefined when they can. */
export async function withoutPython(): Promise<string | undefined> {
  try {
    await run('python3', ['-m', 'pip', '--version']);
    await run('python3', ['-c', 'import venv, ensurepip']);
    return undefined;
  } catch (error) {
    return `python3 with pip and venv cannot be run here (${String(error).split('\n')[0]})`;
  }
}

/** A Python that has the package, such as `moto[server]` at `5.2.5`; kept for later runs under `name`. */
export async function pythonWith(name: string, requirement: string, version: string): Promise<string> {
  const { cache } = readConfig({ TIDEMARK_CACHE: process.env.TIDEMARK_CACHE });
  const home = join(cache, `${name}-${version}`);
  const python = join(home, 'bin/python');
  if (existsSync(python)) return python;
  mkdirSync(cache, { recursive: true });
  // Made beside, so that another run never sees half of it.
  const made = `${home}-${process.pid}`;
  try {
    await run('python3', ['-m', 'venv', made]);
    await run(join(made, 'bin/python'), ['-m', 'pip', 'install', '--quiet', `${requirement}==${version}`]);
    renameSync(made, home);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    if (!existsSync(python)) throw error;
  }
  return python;
}
