import { rm } from 'node:fs/promises';
import { type DuckDBConnection, version } from '@duckdb/node-api';
import { formatViewVersion } from '../../../core/feature-view.ts';
import type { AsOfEngine, AsOfRequest, AsOfResult, Spine, SpineDescription } from '../../as-of-engine.ts';
import type { DuckDbEngine } from '../engine.ts';
import { valueTypeOfDuckDb } from '../types.ts';
import { ROWS_PER_PART } from './as-of-parts.ts';
import { unreadable } from './as-of-slices.ts';
import { type JoinPlace, openView, type VisibleView } from './as-of-view.ts';
import { joinInPieces } from './join-in-pieces.ts';
import { joinWhileWriting } from './join-while-writing.ts';
import { type LoadedSpine, leaveOut, loadSpine, type SpinePlace, spineDigest } from './spine.ts';
import { keyColumns, refuseCollisions, spineProblem } from './spine-columns.ts';
import { stateOf } from './spine-file.ts';

/** Sources of a spine query are looked for in their place; slices are relative to the offline root. */
export interface AsOfRoots extends SpinePlace {
  /** How much is joined at once, where a join that ends early is to be taken up again: `ROWS_PER_PART`. */
  readonly rowsPerPart?: number;
}

/** Counts changes of this engine that change what it writes for the same request. */
const FORMAT = 5;
const VERSION = `DuckDB ${version()}, format ${FORMAT}`;

/** As-of joins on DuckDB. Joins and sorts spill to disk beyond the engine's memory. */
export function createDuckDbAsOfEngine(engine: DuckDbEngine, roots: AsOfRoots): AsOfEngine {
  const { giveMemoryBack } = engine;
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
      return engine.withConnection(
        (connection) => joinSpine(connection, request, { ...roots, giveMemoryBack }),
        request.signal,
      );
    },
  };
}

async function joinSpine(
  connection: DuckDBConnection,
  request: AsOfRequest,
  roots: AsOfRoots & Pick<JoinPlace, 'giveMemoryBack'>,
): Promise<AsOfResult> {
  const { spine, views, computed = [], workFolder } = request;
  const steps = views.length + computed.length + 2;
  let total = 0;
  let told = '';
  const report = (phase: string, step: number, done = 0) => {
    if (told === `${phase} ${done}`) return;
    told = `${phase} ${done}`;
    request.onProgress?.({
      phase,
      share: Math.min(1, (step + (total === 0 ? 0 : done / total)) / steps),
      ...(total > 0 && { rows: { done, total } }),
    });
  };

  report('reading the spine', 0);
  const inPlace = request.notAfter === undefined;
  const state = inPlace ? await stateOf(spine) : null;
  const whole = await loadSpine(connection, spine, { ...roots, views, inPlace });
  refuseCollisions(spine, whole.columns, request);
  const keys = views.map((view) => keyColumns(spine, whole.columns, view));
  await refuseOtherSpine(connection, request);
  const loaded = await leaveOut(connection, whole, request.notAfter);
  total = loaded.rows;

  const { offlineRoot, giveMemoryBack } = roots;
  const visible: (VisibleView | null)[] = [];
  // One after another: a connection that is closed when the first of them fails must not be at work for the next.
  for (const [at, view] of views.entries()) {
    const of = { keyColumns: keys[at] ?? [], offlineRoot };
    try {
      visible.push(await openView(connection, view, loaded, of));
    } catch (error) {
      throw unreadable(error);
    }
  }
  const requireSameSpine = async () => {
    if (loaded.isInPlace && state !== (await stateOf(spine))) throw changedSpine(spine);
  };
  const place = {
    offlineRoot,
    giveMemoryBack,
    ...(await partsOf(connection, request, loaded, visible, roots)),
  };

  const [single = null] = visible;
  if (views.length === 1 && computed.length === 0 && !('parts' in place) && single !== null) {
    const phase = `joining ${formatViewVersion(single.view)} and writing`;
    report(phase, 1);
    const onShare = (share: number) => report(phase, 1, Math.floor(share * total));
    const result = await joinWhileWriting(connection, request, single, loaded, {
      ...place,
      onShare,
      requireSameSpine,
    });
    if (result !== null) {
      await removeParts(workFolder);
      onShare(1);
      report('done', steps, total);
      return { rows: loaded.rows, leftOut: loaded.leftOut, ...result };
    }
  }

  const result = await joinInPieces(connection, request, loaded, {
    visible,
    place,
    requireSameSpine,
    report,
  });
  await removeParts(workFolder);
  report('done', steps, total);
  return { rows: loaded.rows, leftOut: loaded.leftOut, ...result };
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
