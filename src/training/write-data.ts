import { join } from 'node:path';
import type { AsOfEngine } from '../offline/as-of-engine.ts';
import type { TrainingSetManifest } from './manifest.ts';
import type { TrainingSetPlan } from './plan-training-set.ts';
import type { TrainingOptions } from './training-set.ts';

const DATA = 'data.parquet';

/** Joins, and writes the files of a set into a folder. The same plan gives the same bytes wherever that is. */
export async function writeData(
  plan: Pick<TrainingSetPlan, 'contents' | 'join'>,
  folder: string,
  { asOf }: { readonly asOf: AsOfEngine },
  { signal, onProgress }: TrainingOptions = {},
): Promise<TrainingSetManifest['data']> {
  const { rows, bytes, digest, nulls } = await asOf.join({
    ...plan.join,
    path: join(folder, DATA),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return { rows, bytes, nulls, files: [{ path: DATA, rows, bytes, digest }] };
}
