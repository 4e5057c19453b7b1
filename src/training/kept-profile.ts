import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TidemarkError } from '../core/errors.ts';
import type { TableLayout } from '../offline/table-arranger.ts';
import type { TableProfile, TableProfiler } from '../offline/table-profiler.ts';
import type { TrainingSetManifest } from './manifest.ts';
import type { TrainingSetRequest } from './training-set.ts';
import { isThere, writeWhole } from './training-set-folder.ts';

const PROFILE = 'profile.json';

/**
 * The engine does not read Arrow back, and CSV does not say what its columns were. So how the values of such a set are
 * distributed is written down while its rows are at hand: of Arrow always, of CSV where it is asked for anyway.
 */
export function isProfileKept({ format }: TableLayout, { statistics = false }: TrainingSetRequest): boolean {
  return format === 'arrow' || (format === 'csv' && statistics);
}

/** Before the manifest is written. `joined`: all rows as one Parquet file. */
export async function keepProfile(
  folder: string,
  { joined, signal }: { readonly joined: string; readonly signal?: AbortSignal | undefined },
  { profiler }: { readonly profiler: TableProfiler },
): Promise<void> {
  const profile = await profiler.profile({ format: 'parquet', paths: [joined] }, signal);
  await writeWhole(join(folder, PROFILE), `${JSON.stringify(profile)}\n`);
}

/** Undefined when none was kept. STORE_CORRUPT for an Arrow set without one, and for one that is not whole. */
export async function keptProfile(
  folder: string,
  { id, contents }: Pick<TrainingSetManifest, 'id' | 'contents'>,
): Promise<TableProfile | undefined> {
  const { format } = contents.layout;
  if (format === 'parquet') return undefined;
  const path = join(folder, PROFILE);
  if (format === 'csv' && !(await isThere(path))) return undefined;
  try {
    return JSON.parse(await readFile(path, 'utf8')) as TableProfile;
  } catch (error) {
    throw new TidemarkError(
      'STORE_CORRUPT',
      `Cannot tell how the values of training set ${id} are distributed: its ${PROFILE} is not there, or not whole. Remove its manifest.json and build the set again.`,
      { cause: error },
    );
  }
}
