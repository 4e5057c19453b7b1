import { existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Spine } from '../../as-of-engine.ts';
import { isRemote } from '../sources/source-scan.ts';

/** The one local Parquet file that a spine is, if it is one. */
export function fileOf(spine: Spine): string | null {
  if (spine.kind !== 'parquet' || isRemote(spine.path)) return null;
  const path = resolve(spine.path);
  return existsSync(path) && statSync(path).isFile() ? path : null;
}

/** Tells a file that is read in place from what it is after a change; null for any other spine. */
export async function stateOf(spine: Spine): Promise<string | null> {
  const path = fileOf(spine);
  if (path === null) return null;
  const { ino, size, mtimeMs } = await stat(path);
  return `${ino} ${size} ${mtimeMs}`;
}
