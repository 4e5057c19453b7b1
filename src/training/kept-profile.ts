import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TidemarkError } from '../core/errors.ts';
import type { TableProfile, TableProfiler } from '../offline/table-profiler.ts';
import type { TrainingSetManifest } from './manifest.ts';
import { writeWhole } from './training-set-folder.ts';

const PROFILE = 'profile.json';

/**
 * The engine does not read Arrow back, so how the values of such a set are distributed is written down while its
 * rows are at hand, before the manifest is.
 */
export async function keepProfile(
  folder: string,
  { joined, signal }: { readonly joined: string; readonly signal?: AbortSignal | undefined },
  { profiler }: { readonly profiler: TableProfiler },
): Promise<void> {
  const profile = await profiler.profile({ format: 'parquet', paths: [joined] }, signal);
  await writeWhole(join(folder, PROFILE), `${JSON.stringify(profile)}\n`);
}

/** STORE_CORRUPT when it is not there any more. */
export async function keptProfile(
  folder: string,
  { id }: Pick<TrainingSetManifest, 'id'>,
): Promise<TableProfile> {
  try {
    return JSON.parse(await readFile(join(folder, PROFILE), 'utf8')) as TableProfile;
  } catch (error) {
    throw new TidemarkError(
      'STORE_CORRUPT',
      `Cannot tell how the values of training set ${id} are distributed: its ${PROFILE} is not there, or not whole. Remove its manifest.json and build the set again.`,
      { cause: error },
    );
  }
}
