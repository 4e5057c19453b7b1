import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../core/errors.ts';
import { formatViewVersion } from '../../core/feature-view.ts';
import type { AsOfEngine, AsOfRequest, AsOfResult, SpineDescription } from '../as-of-engine.ts';
import { relevantSlices, unreadable, withoutNeedlessRanges } from './as-of-slices.ts';
import { assembleSql, countValuesSql, factsSql, joinOrder, joinViewSql, type ViewJoin } from './as-of-sql.ts';
import type { DuckDbEngine } from './engine.ts';
import { digestOfFile } from './feature-file.ts';
import { sliceScanSql } from './slice-scan.ts';
import type { EngineColumn } from './source-scan.ts';
import { type LoadedSpine, loadSpine, spineDigest } from './spine.ts';
import { keyColumns, refuseCollisions, spineProblem } from './spine-columns.ts';
import { valueTypeOfDuckDb } from './types.ts';

export interface AsOfRoots {
  /** Slices are relative to it. */
  readonly offlineRoot: string;
  /** The feature repository: sources of a spine query are relative to it. */
  readonly baseDir: string;
}

/** DESIGN 7 on DuckDB. Joins and sorts spill to disk beyond the engine's memory. */
export function createDuckDbAsOfEngine(
  engine: DuckDbEngine,
  { offlineRoot, baseDir }: AsOfRoots,
): AsOfEngine {
  return {
    describeSpine(spine) {
      return engine.withConnection(async (connection): Promise<SpineDescription> => {
        const { columns, rows } = await loadSpine(connection, spine, { baseDir });
        const typed = columns.map(({ name, engineType }) => {
          const type = valueTypeOfDuckDb(engineType);
          if (type !== null) return { name, type };
          throw spineProblem(
            spine,
            `its column "${name}" is ${engineType}, which Tidemark has no type for; leave it out or cast it`,
          );
        });
        return { columns: typed, rows, digest: await spineDigest(connection, spine) };
      });
    },

    join(request) {
      return engine.withConnection(
        (connection) => joinSpine(connection, request, { offlineRoot, baseDir }),
        request.signal,
      );
    },
  };
}

async function joinSpine(
  connection: DuckDBConnection,
  request: AsOfRequest,
  { offlineRoot, baseDir }: AsOfRoots,
): Promise<AsOfResult> {
  const { spine, views, path, onProgress } = request;
  const steps = views.length + 2;
  const report = (phase: string, done: number) => onProgress?.({ phase, share: done / steps });

  report('reading the spine', 0);
  const loaded = await loadSpine(connection, spine, { baseDir, views });
  refuseCollisions(spine, loaded.columns, views);
  const keys = views.map((view) => keyColumns(spine, loaded.columns, view));
  if (request.spineDigest !== undefined && request.spineDigest !== (await spineDigest(connection, spine))) {
    throw spineProblem(
      spine,
      spine.kind === 'query'
        ? 'it gave other rows, or another order, when it was run again; order it by columns that are unique together'
        : 'it changed while it was in use; try again',
    );
  }

  const nulls: Record<string, number> = {};
  const joined: boolean[] = [];
  for (const [index, view] of views.entries()) {
    report(`joining ${formatViewVersion(view)}`, index + 1);
    try {
      const there = await joinView(connection, request, loaded, {
        index,
        keys: keys[index] ?? [],
        offlineRoot,
      });
      joined.push(there);
      Object.assign(
        nulls,
        there ? await countNulls(connection, request, loaded, index) : allNull(view, loaded),
      );
    } catch (error) {
      throw unreadable(error);
    }
  }

  report('writing', steps - 1);
  const assembly = {
    spineColumns: loaded.columns.map(({ name }: EngineColumn) => name),
    views: views.map((view, index) => ({ view, joined: joined[index] ?? false })),
  };
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${randomUUID()}.unfinished`;
  try {
    await connection.run(assembleSql({ ...assembly, path: unfinished }));
    const content = await digestOfFile(unfinished);
    await rename(unfinished, path);
    report('done', steps);
    return { rows: loaded.rows, ...content, nulls };
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** Makes `__joined_<index>`; false when no row of the view can be seen by any spine row. */
async function joinView(
  connection: DuckDBConnection,
  { views, knownAt }: AsOfRequest,
  { span }: LoadedSpine,
  of: { readonly index: number; readonly keys: readonly number[]; readonly offlineRoot: string },
): Promise<boolean> {
  const view = views[of.index];
  if (view === undefined || span === undefined) return false;
  let slices = relevantSlices(view, span);
  if (slices.length === 0) return false;
  slices = await withoutNeedlessRanges(connection, slices, of.offlineRoot);
  const join: ViewJoin = { view, rows: sliceScanSql(slices, of.offlineRoot), knownAt, span };

  const [row = []] = (await connection.runAndReadAll(factsSql(join))).getRows();
  const [rows, minLag, maxLag, revisions] = row;
  if (typeof minLag !== 'bigint' || typeof maxLag !== 'bigint') return false;
  const facts = { rows: Number(rows), minLag, maxLag, revisions: Number(revisions) };
  await connection.run(joinViewSql(join, joinOrder(join, facts), of.keys, of.index));
  return true;
}

/** By output column; checks rule 5 on the way: one answer per entity row. */
async function countNulls(
  connection: DuckDBConnection,
  { views }: AsOfRequest,
  { rows }: LoadedSpine,
  index: number,
): Promise<Record<string, number>> {
  const view = views[index];
  if (view === undefined) return {};
  const [[count, ...values] = []] = (await connection.runAndReadAll(countValuesSql(view, index))).getRows();
  if (Number(count) !== rows) {
    throw new TidemarkError(
      'INTERNAL',
      `Joining ${formatViewVersion(view)} gave ${Number(count)} rows for ${rows} entity rows.`,
    );
  }
  return Object.fromEntries(view.features.map(({ output }, at) => [output, rows - Number(values[at])]));
}

function allNull(view: AsOfRequest['views'][number], { rows }: LoadedSpine): Record<string, number> {
  return Object.fromEntries(view.features.map(({ output }) => [output, rows]));
}
