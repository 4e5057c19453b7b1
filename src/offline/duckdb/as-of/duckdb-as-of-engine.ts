import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type DuckDBConnection, version } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import { formatViewVersion } from '../../../core/feature-view.ts';
import type { AsOfEngine, AsOfRequest, AsOfResult, SpineDescription } from '../../as-of-engine.ts';
import { duckDbReason, failureKind } from '../duckdb-failure.ts';
import type { DuckDbEngine } from '../engine.ts';
import { digestOfFile, moveIntoPlace } from '../feature-file.ts';
import { valueTypeOfDuckDb } from '../types.ts';
import { computeColumns } from './as-of-computed.ts';
import { readFileFacts } from './as-of-facts.ts';
import { keptParts } from './as-of-parts.ts';
import { planJoin } from './as-of-plan.ts';
import { knownAtOf } from './as-of-reach.ts';
import { relevantSlices, unreadable, withoutNeedlessRanges } from './as-of-slices.ts';
import { joinViewSql } from './as-of-sql.ts';
import {
  assembleSql,
  countSameTimeSql,
  countValuesSql,
  type OutputColumn,
  type SideBySide,
  viewOutputs,
} from './as-of-tables.ts';
import { type LoadedSpine, leaveOut, loadSpine, type SpinePlace, spineDigest } from './spine.ts';
import { keyColumns, refuseCollisions, spineProblem } from './spine-columns.ts';

/** Sources of a spine query are looked for in their place; slices are relative to the offline root. */
export type AsOfRoots = SpinePlace;

/** Counts changes of this engine that change what it writes for the same request. */
const FORMAT = 2;
const VERSION = `DuckDB ${version()}, format ${FORMAT}`;

/** DESIGN 7 on DuckDB. Joins and sorts spill to disk beyond the engine's memory. */
export function createDuckDbAsOfEngine(engine: DuckDbEngine, roots: AsOfRoots): AsOfEngine {
  return {
    version: VERSION,

    describeSpine(spine, joined = []) {
      return engine.withConnection(async (connection): Promise<SpineDescription> => {
        const { columns, rows, span } = await loadSpine(connection, spine, { ...roots, views: joined });
        for (const view of joined) keyColumns(spine, columns, view);
        const typed = columns.map(({ name, engineType }) => {
          const type = valueTypeOfDuckDb(engineType);
          if (type !== null) return { name, type };
          throw spineProblem(
            spine,
            `its column "${name}" is ${engineType}, which Tidemark has no type for; leave it out or cast it`,
          );
        });
        return {
          columns: typed,
          engineColumns: columns,
          rows,
          span,
          digest: await spineDigest(connection, spine),
        };
      });
    },

    join(request) {
      return engine.withConnection((connection) => joinSpine(connection, request, roots), request.signal);
    },
  };
}

async function joinSpine(
  connection: DuckDBConnection,
  request: AsOfRequest,
  roots: AsOfRoots,
): Promise<AsOfResult> {
  const { spine, views, computed = [], path } = request;
  const { offlineRoot } = roots;
  const steps = views.length + computed.length + 2;
  let total = 0;
  const report = (phase: string, step: number, done = 0) =>
    request.onProgress?.({
      phase,
      share: (step + (total === 0 ? 0 : done / total)) / steps,
      ...(total > 0 && { rows: { done, total } }),
    });

  report('reading the spine', 0);
  const whole = await loadSpine(connection, spine, { ...roots, views });
  refuseCollisions(spine, whole.columns, request);
  const keys = views.map((view) => keyColumns(spine, whole.columns, view));
  await refuseOtherSpine(connection, request);
  const loaded = await leaveOut(connection, whole, request.notAfter);

  total = loaded.rows;
  const memory = await memoryOf(connection);
  const parts = keptParts(request, {
    engine: VERSION,
    spineDigest:
      request.spineDigest ?? (request.workFolder === undefined ? '' : await spineDigest(connection, spine)),
    rows: total,
  });
  const joined: boolean[] = [];
  for (const [index, view] of views.entries()) {
    const phase = `joining ${formatViewVersion(view)}`;
    report(phase, index + 1);
    const table = `__joined_${index}`;
    let made = await parts.restore(connection, view, table);
    if (!made) {
      const place = { index, keys: keys[index] ?? [], offlineRoot, memory };
      made = await joinView(connection, request, loaded, place);
      if (made) await parts.keep(connection, view, table);
    }
    joined.push(made);
    report(phase, index + 1, total);
  }
  const tables = { spineColumns: loaded.columns, outputs: viewOutputs(request, joined) };
  const outputs: OutputColumn[] = [...tables.outputs];
  for (const [index, columns] of computed.entries()) {
    const step = views.length + 1 + index;
    report(`computing ${columns.name}`, step);
    const onRows = (done: number) => report(`computing ${columns.name}`, step, done);
    try {
      const place = { index, rows: loaded.rows, onRows };
      outputs.push(...(await computeColumns(connection, columns, tables, place)));
    } catch (error) {
      // A value of the spine that is not what a function takes, such as a number too large for int32.
      if (failureKind(error) !== 'conversion') throw error;
      throw spineProblem(spine, `${duckDbReason(error)}, and ${columns.name} needs it`, error);
    }
  }

  report('writing', steps - 1);
  const result = {
    spineColumns: loaded.columns,
    outputs: request.outputs === undefined ? outputs : chosen(outputs, request.outputs),
  };
  const nulls = await countNulls(connection, result, loaded.rows);
  const sameTime = await countSameTime(connection, joined);
  const content = await writeResult(connection, result, { rows: loaded.rows, memory }, path);
  await parts.remove();
  report('done', steps);
  return { rows: loaded.rows, leftOut: loaded.leftOut, sameTime, ...content, nulls };
}

async function refuseOtherSpine(
  connection: DuckDBConnection,
  { spine, spineDigest: expected }: AsOfRequest,
): Promise<void> {
  if (expected === undefined || expected === (await spineDigest(connection, spine))) return;
  throw spineProblem(
    spine,
    spine.kind === 'query'
      ? 'it gave other rows, or another order, when it was run again; order it by columns that are unique together'
      : 'it changed while it was in use; try again',
  );
}

/** Makes `__joined_<index>`; false when no row of the view can be seen by any spine row. */
async function joinView(
  connection: DuckDBConnection,
  { views, knownAt }: AsOfRequest,
  { span, rows: spineRows }: LoadedSpine,
  of: {
    readonly index: number;
    readonly keys: readonly number[];
    readonly offlineRoot: string;
    readonly memory: number;
  },
): Promise<boolean> {
  const view = views[of.index];
  if (view === undefined || span === null) return false;
  const relevant = relevantSlices(view, span);
  if (relevant.length === 0) return false;
  try {
    const facts = await readFileFacts(connection, view.joinKeys, relevant, of.offlineRoot);
    const slices = withoutNeedlessRanges(relevant, facts);
    const known = knownAtOf(view, knownAt);
    const plan = await planJoin(connection, { view, slices, facts, knownAt: known, span, spineRows, ...of });
    if (plan === null) return false;
    for (const statement of joinViewSql(plan, of.keys, of.index)) await connection.run(statement);
    return true;
  } catch (error) {
    throw unreadable(error);
  }
}

/** By view. A label's event time is never the row's own. */
async function countSameTime(
  connection: DuckDBConnection,
  joined: readonly boolean[],
): Promise<readonly number[]> {
  const counts: number[] = [];
  for (const [index, made] of joined.entries()) {
    const [[count] = []] = made ? (await connection.runAndReadAll(countSameTimeSql(index))).getRows() : [[0]];
    counts.push(Number(count));
  }
  return counts;
}

function chosen(outputs: readonly OutputColumn[], names: readonly string[]): readonly OutputColumn[] {
  return names.map((name) => {
    const output = outputs.find((column) => column.name === name);
    if (output === undefined) throw new RangeError(`The output "${name}" is neither joined nor computed`);
    return output;
  });
}

/** By output; checks rule 5 on the way: one answer per entity row. */
async function countNulls(
  connection: DuckDBConnection,
  { outputs }: SideBySide,
  rows: number,
): Promise<Record<string, number>> {
  const nulls: Record<string, number> = {};
  for (const table of new Set(outputs.map((output) => output.table))) {
    const columns = outputs.filter((output) => output.table === table);
    if (table === null) {
      for (const { name } of columns) nulls[name] = rows;
      continue;
    }
    const [[count, ...values] = []] = (
      await connection.runAndReadAll(countValuesSql(table, columns))
    ).getRows();
    if (Number(count) !== rows) {
      throw new TidemarkError(
        'INTERNAL',
        `The as-of join gave ${Number(count)} rows for ${rows} entity rows.`,
      );
    }
    for (const [at, { name }] of columns.entries()) nulls[name] = rows - Number(values[at]);
  }
  return nulls;
}

/** What DuckDB may use, in bytes; it says so in words. */
async function memoryOf(connection: DuckDBConnection): Promise<number> {
  const [[text] = []] = (await connection.runAndReadAll(`SELECT current_setting('memory_limit')`)).getRows();
  const [, size = '0', unit = ''] = /^([\d.]+) (\w+)$/.exec(String(text)) ?? [];
  return Number(size) * 1024 ** Math.max(0, ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit));
}

async function writeResult(
  connection: DuckDBConnection,
  result: SideBySide,
  size: { readonly rows: number; readonly memory: number },
  path: string,
): Promise<{ readonly bytes: number; readonly digest: string }> {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${randomUUID()}.unfinished`;
  try {
    for (const statement of assembleSql(result, unfinished, size)) await connection.run(statement);
    const content = await digestOfFile(unfinished);
    await moveIntoPlace(unfinished, path);
    return content;
  } finally {
    await rm(unfinished, { force: true });
  }
}
