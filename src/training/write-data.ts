import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { valueTypeOf } from '../core/value-type.ts';
import type { AsOfEngine } from '../offline/as-of-engine.ts';
import type { TableArranger } from '../offline/table-arranger.ts';
import { isPlain } from './layout.ts';
import { PARTS } from './leave-nothing.ts';
import type { TrainingSetContents, TrainingSetManifest } from './manifest.ts';
import type { TrainingSetPlan } from './plan-training-set.ts';
import { possibleLeakage } from './possible-leakage.ts';
import type { TrainingOptions } from './training-set.ts';

const NAME = 'data';

/**
 * Joins, and writes the files of a set into a folder. The same plan gives the same bytes wherever that is.
 * `onJoined` is given all rows as one Parquet file, before they are arranged in others.
 */
export async function writeData(
  { join: asked, contents, recipe }: Pick<TrainingSetPlan, 'contents' | 'recipe' | 'join'>,
  folder: string,
  { asOf, arranger }: { readonly asOf: AsOfEngine; readonly arranger: TableArranger },
  {
    signal,
    onProgress,
    onJoined,
  }: TrainingOptions & { readonly onJoined?: (path: string) => Promise<void> } = {},
): Promise<TrainingSetManifest['data']> {
  const { layout, spine } = contents;
  const plain = isPlain(layout);
  const joined = `${NAME}.${plain ? '' : `${randomUUID()}.joined.`}parquet`;
  try {
    const { rows, bytes, digest, nulls, leftOut, sameTime } = await asOf.join({
      ...asked,
      path: join(folder, joined),
      workFolder: join(folder, PARTS),
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const facts = {
      rows,
      leftOut,
      possibleLeakage: possibleLeakage({ contents, recipe }, { rows, sameTime }),
      nulls,
    };
    if (plain) {
      return { ...facts, bytes, files: [{ path: joined, part: null, rows, bytes, digest }], spine: null };
    }
    await onJoined?.(join(folder, joined));
    const request = {
      vectors: vectorsOf(contents),
      from: join(folder, joined),
      folder,
      timestampField: spine.timestampField,
      ...(signal === undefined ? {} : { signal }),
    };
    const files = await arranger.arrange({ ...request, name: NAME, layout });
    const kept =
      layout.format === 'parquet'
        ? undefined
        : await arranger.arrange({
            ...request,
            name: 'spine',
            layout: { format: 'parquet', rowsPerFile: null, split: null },
            columns: spine.columns.map(({ name }) => name),
          });
    const size = files.reduce((sum, file) => sum + file.bytes, 0);
    return { ...facts, bytes: size, files, spine: kept?.[0] ?? null };
  } finally {
    if (!plain) await rm(join(folder, joined), { force: true });
  }
}

function vectorsOf({ spine, outputs, label }: TrainingSetContents): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...spine.columns, ...outputs, ...(label === undefined ? [] : [label])].flatMap(({ name, type }) => {
      const parsed = valueTypeOf(type);
      return parsed.kind === 'vector' ? [[name, parsed.size]] : [];
    }),
  );
}
