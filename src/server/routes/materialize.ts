import type { FastifyInstance } from 'fastify';
import pMap from 'p-map';
import { TidemarkError } from '../../core/errors.ts';
import type { ExactJson } from '../../core/exact-json.ts';
import type { BatchViewSpec } from '../../core/feature-view.ts';
import { formatInterval, type Interval } from '../../core/interval.ts';
import { batchViews } from '../../core/manifest.ts';
import { namedView, type ViewDirectory } from '../../core/named-view.ts';
import { scheduleOf, wholeIntervals } from '../../core/schedule.ts';
import { type Micros, parseTime, timeOf } from '../../core/time.ts';
import { type AppDependencies, runControlOf } from '../dependencies.ts';
import type { RunControl } from '../run-control.ts';
import { type MaterializeBody, parseMaterialize, parseMaterializeIncremental } from '../write-schemas.ts';

/** Starts workflows in Feast's words, and answers with their ids at once. What is computed already is left alone. */
export function materialize(app: FastifyInstance, deps: AppDependencies): void {
  app.post<{ Body: ExactJson | undefined }>('/materialize', async (request, reply) => {
    const body = parseMaterialize(request.body);
    const range = rangeOf(body);
    const work = askedViews(body, deps.registry.current()).map((view) => ({ view, range }));
    return reply.code(202).send(await startAll(work, runControlOf(deps)));
  });
  app.post<{ Body: ExactJson | undefined }>('/materialize-incremental', async (request, reply) => {
    const body = parseMaterializeIncremental(request.body);
    const end = timeAt('end_ts', body.end_ts);
    const work = askedViews(body, deps.registry.current()).map((view) => ({
      view,
      range: { start: timeOf(view.startTime), end },
    }));
    return reply.code(202).send(await startAll(work, runControlOf(deps)));
  });
}

/** Of hundreds of views one after the other, the client would have hung up; of all at once, Temporal would refuse some. */
const STARTED_AT_ONCE = 16;

interface Work {
  readonly view: BatchViewSpec;
  /** Undefined: all that is due. */
  readonly range: Interval | undefined;
}

async function startAll(work: readonly Work[], runs: RunControl) {
  for (const { view, range } of work) if (range !== undefined) requireIntervals(view, range);
  const start = async ({ view: { name: view, version }, range }: Work) => {
    const { id } = await runs.materialize({ view, version, ...(range && { range }) });
    return { id, view, version };
  };
  const started = await pMap(work, start, { concurrency: STARTED_AT_ONCE });
  return { status: 'accepted', feature_views: work.map(({ view }) => view.name), runs: started };
}

function requireIntervals(view: BatchViewSpec, range: Interval): void {
  const isRange = range.start < range.end;
  if (isRange && wholeIntervals(scheduleOf(view.schedule), range) !== undefined) return;
  throw new TidemarkError(
    'REQUEST_INVALID',
    `Cannot materialize view "${view.name}" over ${formatInterval(range)}: no whole interval of its schedule "${view.schedule}" lies in it. Give a longer range, or other "feature_views".`,
  );
}

/** By name, each at the version that is served unless it is pinned; all views that are served when none is named. */
function askedViews(
  { feature_views: names, version }: Pick<MaterializeBody, 'feature_views' | 'version'>,
  directory: ViewDirectory,
): readonly BatchViewSpec[] {
  const { manifest, servingVersions } = directory;
  if (typeof version === 'string' && names?.length !== 1) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      'Cannot materialize a "version" of several views: name one in "feature_views".',
    );
  }
  if (names === undefined || names === null || names.length === 0) {
    return batchViews(manifest).filter((view) => servingVersions.get(view.name) === view.version);
  }
  const pin = typeof version === 'string' ? `@v${version.replace('v', '')}` : '';
  const found = names.map((name) => {
    const view = namedView(`${name}${pin}`, directory);
    if (view.kind === 'batch_view') return view;
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot materialize view "${name}": its features are computed when they are read.`,
    );
  });
  return [...new Set(found)];
}

function rangeOf(body: MaterializeBody): Interval | undefined {
  const { start_ts: start, end_ts: end } = body;
  if (body.disable_event_timestamp) return undefined;
  if (typeof start !== 'string' || typeof end !== 'string') {
    throw new TidemarkError(
      'REQUEST_INVALID',
      'Cannot materialize without "start_ts" and "end_ts": give both, or "disable_event_timestamp": true for everything that is due.',
    );
  }
  const range = { start: timeAt('start_ts', start), end: timeAt('end_ts', end) };
  if (range.start < range.end) return range;
  throw new TidemarkError(
    'REQUEST_INVALID',
    `Cannot materialize from ${start} to ${end}: "start_ts" must lie before "end_ts".`,
  );
}

function timeAt(field: string, text: string): Micros {
  const time = parseTime(text);
  if (time !== undefined) return time;
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  throw new TidemarkError(
    'REQUEST_INVALID',
    `Cannot read "${field}": found "${shown}"; allowed is an ISO 8601 time such as "2026-01-31T12:00:00Z".`,
  );
}
