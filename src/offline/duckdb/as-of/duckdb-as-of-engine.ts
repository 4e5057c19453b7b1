import { rm } from 'node:fs/promises';
import { type DuckDBConnection, version } from '@duckdb/node-api';
import { formatViewVersion } from '../../../core/feature-view.ts';
import type { AsOfEngine, AsOfRequest, AsOfResult, Spine, SpineDescription } from '../../as-of-engine.ts';
import { duckDbReason, failureKind } from '../duckdb-failure.ts';
import type { DuckDbEngine } from '../engine.ts';
import { valueTypeOfDuckDb } from '../types.ts';
import { computeColumns } from './as-of-computed.ts';
import { ROWS_PER_PART } from './as-of-parts.ts';
import { unreadable } from './as-of-slices.ts';
import {
  assembleSql,
  chosen,
  countSameTimeSql,
  joinedTableSql,
  type OutputColumn,
  viewOutputs,
} from './as-of-tables.ts';
import { type JoinPlace, openView, type VisibleView, withJoinedRows } from './as-of-view.ts';
import { countNulls } from './count-nulls.ts';
import { joinWhileWriting } from './join-while-writing.ts';
import {
  copySpine,
  type LoadedSpine,
  leaveOut,
  loadSpine,
  type SpinePlace,
  spineDigest,
  stateOf,
} from './spine.ts';
import { keyColumns, refuseCollisions, spineProblem } from './spine-columns.ts';
import { writeOutput } from './write-output.ts';

/** Sources of a spine query are looked for in their place; slices are relative to the offline root. */
export interface AsOfRoots extends SpinePlace {
  /** How much is joined at once, where a join that ends early is to be taken up again: `ROWS_PER_PART`. */
  readonly rowsPerPart?: number;
}

/** Counts changes of this engine that change what it writes for the same request. */
const FORMAT = 3;
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
  const { spine, views, computed = [], path, workFolder } = request;
  const steps = views.length + computed.length + 2;
  let total = 0;
  const report = (phase: string, step: number, done = 0) =>
    request.onProgress?.({
      phase,
      share: (step + (total === 0 ? 0 : done / total)) / steps,
      ...(total > 0 && { rows: { done, total } }),
    });

  report('reading the spine', 0);
  // What passes by once need not be copied first.
  const inOnePass = views.length === 1 && computed.length === 0;
  const inPlace = inOnePass && request.notAfter === undefined;
  const state = inPlace ? await stateOf(spine) : null;
  const whole = await loadSpine(connection, spine, { ...roots, views, inPlace });
  refuseCollisions(spine, whole.columns, request);
  const keys = views.map((view) => keyColumns(spine, whole.columns, view));
  await refuseOtherSpine(connection, request);
  const loaded = await leaveOut(connection, whole, request.notAfter);
  total = loaded.rows;

  const { offlineRoot } = roots;
  const visible = await Promise.all(
    views.map((view, at) =>
      openView(connection, view, loaded, { keyColumns: keys[at] ?? [], offlineRoot }).catch((error) => {
        throw unreadable(error);
      }),
    ),
  );
  const requireSameSpine = async () => {
    if (loaded.isInPlace && state !== (await stateOf(spine))) throw changedSpine(spine);
  };
  const place = { offlineRoot, ...(await partsOf(connection, request, loaded, visible, roots)) };

  const [single = null] = visible;
  if (inOnePass && !('parts' in place) && single !== null) {
    const phase = `joining ${formatViewVersion(single.view)}`;
    report(phase, 1);
    const onWriting = () => report(`${phase} and writing`, 1);
    const result = await joinWhileWriting(connection, request, single, loaded, {
      ...place,
      onWriting,
      requireSameSpine,
    });
    if (result !== null) {
      await removeParts(workFolder);
      report('done', steps);
      return { rows: loaded.rows, leftOut: loaded.leftOut, ...result };
    }
  }

  if (loaded.isInPlace) {
    await copySpine(connection);
    await requireSameSpine();
  }
  const joined: boolean[] = [];
  for (const [index, view] of visible.entries()) {
    const phase = `joining ${formatViewVersion(views[index] ?? { view: '', version: 0 })}`;
    report(phase, index + 1);
    const onPart = (share: number) => share < 1 && report(phase, index + 1, Math.floor(share * total));
    joined.push(
      view !== null &&
        (await joinIntoTable(connection, request, { view, index }, loaded, { ...place, onPart })),
    );
    report(phase, index + 1, total);
  }
  const tables = { spineColumns: loaded.columns, outputs: viewOutputs(request, joined) };
  const outputs: OutputColumn[] = [...tables.outputs];
  for (const [index, columns] of computed.entries()) {
    const step = views.length + 1 + index;
    report(`computing ${columns.name}`, step);
    const onRows = (done: number) => report(`computing ${columns.name}`, step, done);
    try {
      const rows = { index, rows: loaded.rows, onRows };
      outputs.push(...(await computeColumns(connection, columns, tables, rows)));
    } catch (error) {
      // A value of the spine that is not what a function takes, such as a number too large for int32.
      if (failureKind(error) !== 'conversion') throw error;
      throw spineProblem(spine, `${duckDbReason(error)}, and ${columns.name} needs it`, error);
    }
  }

  report('writing', steps - 1);
  const result = { spineColumns: loaded.columns, outputs: chosen(outputs, request.outputs) };
  const nulls = await countNulls(connection, result, loaded.rows);
  const sameTime = await countSameTime(connection, joined);
  const memory = await memoryOf(connection);
  const content = await writeOutput(path, async (unfinished) => {
    for (const statement of assembleSql(result, unfinished, { rows: loaded.rows, memory })) {
      await connection.run(statement);
    }
  });
  await removeParts(workFolder);
  report('done', steps);
  return { rows: loaded.rows, leftOut: loaded.leftOut, sameTime, ...content, nulls };
}

/** Another build of the same set may be writing there. */
async function removeParts(workFolder: string | undefined): Promise<void> {
  if (workFolder !== undefined) await rm(workFolder, { recursive: true, force: true, maxRetries: 5 });
}

/** Where the parts of a large join are kept, if this is one. */
async function partsOf(
  connection: DuckDBConnection,
  { workFolder: folder, knownAt, notAfter, spine, spineDigest: digest }: AsOfRequest,
  { rows }: LoadedSpine,
  visible: readonly (VisibleView | null)[],
  { rowsPerPart = ROWS_PER_PART }: AsOfRoots,
): Promise<Pick<JoinPlace, 'parts'>> {
  const all = visible.reduce((sum, view) => sum + (view === null ? 0 : rows + view.facts.rows), 0);
  if (folder === undefined || all <= rowsPerPart) return {};
  const decides = {
    engine: VERSION,
    spineDigest: digest ?? (await spineDigest(connection, spine)),
    timestampField: spine.timestampField,
    knownAt,
    notAfter: notAfter ?? null,
  };
  return { parts: { folder, decides, rowsPerPart } };
}

/** Makes `__joined_<index>`; false when no row of the view can be seen by any spine row. */
async function joinIntoTable(
  connection: DuckDBConnection,
  request: AsOfRequest,
  { view, index }: { readonly view: VisibleView; readonly index: number },
  loaded: LoadedSpine,
  place: JoinPlace,
): Promise<boolean> {
  const make = async (rows: string) => {
    await connection.run(joinedTableSql(index, view.view.features.length, rows));
    return true;
  };
  try {
    return (
      (await withJoinedRows(connection, request, view, loaded, { ...place, carried: [] }, make)) ?? false
    );
  } catch (error) {
    throw unreadable(error);
  }
}

async function refuseOtherSpine(
  connection: DuckDBConnection,
  { spine, spineDigest: expected }: AsOfRequest,
): Promise<void> {
  if (expected === undefined || expected === (await spineDigest(connection, spine))) return;
  throw changedSpine(spine);
}

function changedSpine(spine: Spine): Error {
  return spineProblem(
    spine,
    spine.kind === 'query'
      ? 'it gave other rows, or another order, when it was run again; order it by columns that are unique together'
      : 'it changed while it was in use; try again',
  );
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

/** What DuckDB may use, in bytes; it says so in words. */
async function memoryOf(connection: DuckDBConnection): Promise<number> {
  const [[text] = []] = (await connection.runAndReadAll(`SELECT current_setting('memory_limit')`)).getRows();
  const [, size = '0', unit = ''] = /^([\d.]+) (\w+)$/.exec(String(text)) ?? [];
  return Number(size) * 1024 ** Math.max(0, ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit));
}
