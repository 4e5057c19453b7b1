import { type Problem, TidemarkError } from '../core/errors.ts';
import { type BatchViewSpec, formatViewVersion, type ViewVersion } from '../core/feature-view.ts';
import { batchViews, type Manifest } from '../core/manifest.ts';
import { didYouMean } from '../core/nearest.ts';
import type { EventRow, FeatureRow } from '../core/rows.ts';
import { type PushSourceSpec, RECEIVED_TIME, valueColumns } from '../core/source.ts';
import { type Clock, type DurationMicros, latest, type Micros, micros } from '../core/time.ts';
import type { KeyValue, Value } from '../core/value-type.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { onlineTableOf } from '../online/online-table.ts';
import { largeRows } from './large-rows.ts';
import { newestRows } from './newest-rows.ts';
import type { PushLog } from './push-log.ts';
import { type Frame, readFrame, refuse } from './read-frame.ts';
import { widenValue } from './widen-value.ts';

export type PushTarget = 'online' | 'offline' | 'online_and_offline';

export interface PushRequest {
  readonly source: string;
  readonly frame: Frame;
  readonly to: PushTarget;
}

export interface WriteDeps {
  readonly manifest: Manifest;
  readonly online: Pick<OnlineStore, 'write'>;
  /** Told which event times of a stream view have come, for its freshness. */
  readonly onStreamed: (version: ViewVersion, newest: Micros) => void;
  readonly clock: Clock;
  /** How far an event time may lie in the future. */
  readonly maxFuture: DurationMicros;
  readonly maxRows: number;
  /** What a row that is served may take; default 1 MiB. */
  readonly maxRowBytes?: number;
}

export interface WrittenOnline {
  /** `user_realtime@v1` */
  readonly view: string;
  /** Rows that were newer than what was there. */
  readonly written: number;
  /** Rows that were not, or that another row of the same request outdid. */
  readonly unchanged: number;
}

export interface PushResult {
  readonly source: string;
  readonly rows: number;
  /** Whether the rows are durable in the log. */
  readonly offline: boolean;
  readonly online: readonly WrittenOnline[];
}

/**
 * Takes rows of a push source, all or none:
 *
 * 1. everything about all rows is checked before anything is written;
 * 2. the log has them, durably, before the online store does: what is served can be trained on;
 * 3. of each entity the newest row goes online, by compare-and-set, before this resolves.
 *
 * Repeating a push is harmless: the log drops what it has, and online an equal row changes nothing. Of a source
 * without created times the repetition is the newer row, with the same values.
 */
export async function pushRows(
  { source: name, frame, to }: PushRequest,
  { log, ...deps }: WriteDeps & { readonly log: PushLog },
): Promise<PushResult> {
  const { manifest, clock } = deps;
  const source = pushSourceOf(manifest, name);
  const views = streamViewsOf(manifest, name);
  const isOnline = to !== 'offline';
  const isOffline = to !== 'online';
  if (isOnline && views.length === 0) throw nobodyReadsOnline(manifest, name);
  const receivedAt = clock();
  const rows = eventRows(source, frame, { ...deps, receivedAt });
  const tables = publishable(views, source, rows, { ...deps, receivedAt });
  if (rows.length === 0) return { source: name, rows: 0, offline: isOffline, online: [] };
  if (isOffline) await log.append({ project: manifest.project, source: name, receivedAt, rows });
  const online = isOnline
    ? await Promise.all(tables.map(({ view, newest }) => writeOnline(view, newest, rows.length, deps)))
    : [];
  return { source: name, rows: rows.length, offline: isOffline, online };
}

/** Publishes rows of one view, and says how many of `sent` rows landed. */
export async function writeOnline(
  view: BatchViewSpec,
  rows: readonly FeatureRow[],
  sent: number,
  { manifest: { project }, online, onStreamed }: Pick<WriteDeps, 'manifest' | 'online' | 'onStreamed'>,
): Promise<WrittenOnline> {
  const { written } = await online.write(onlineTableOf(project, view), rows);
  const [first] = rows;
  if (view.stream === true && first !== undefined) {
    const newest = rows.reduce((time, row) => latest(time, row.eventTime), first.eventTime);
    onStreamed({ project, view: view.name, version: view.version }, newest);
  }
  const id = formatViewVersion({ view: view.name, version: view.version });
  return { view: id, written, unchanged: sent - written };
}

function pushSourceOf(manifest: Manifest, name: string): PushSourceSpec {
  const source = manifest.sources.find((one) => one.name === name);
  if (source?.kind === 'push') return source;
  const names = manifest.sources.filter(({ kind }) => kind === 'push').map((one) => one.name);
  const there = source === undefined ? '' : ' It is a source of another kind.';
  const hint = didYouMean(name, names) || ` It has ${names.map((one) => `"${one}"`).join(', ') || 'none'}.`;
  throw new TidemarkError(
    'UNKNOWN_SOURCE',
    `Cannot find push source "${name}" in project "${manifest.project}".${there}${hint}`,
  );
}

/** Every version: one that is being migrated to sees what is pushed meanwhile. */
function streamViewsOf(manifest: Manifest, source: string): readonly BatchViewSpec[] {
  return batchViews(manifest).filter(
    ({ stream, online, sources }) =>
      stream === true && online && sources.some((one) => one.kind === 'push' && one.name === source),
  );
}

function nobodyReadsOnline(manifest: Manifest, name: string): TidemarkError {
  const readers = batchViews(manifest).filter(({ sources }) => sources.some((one) => one.name === name));
  const by =
    readers.length === 0
      ? 'no view reads it'
      : `only ${readers.map((view) => `"${view.name}"`).join(', ')} read${readers.length === 1 ? 's' : ''} it, by schedule`;
  return new TidemarkError(
    'REQUEST_INVALID',
    `Cannot push rows of "${name}" online: no stream view with online: true reads that source (${by}). Push them with "to": "offline".`,
  );
}

function eventRows(
  source: PushSourceSpec,
  frame: Frame,
  rules: Pick<WriteDeps, 'maxFuture' | 'maxRows'> & { readonly receivedAt: Micros },
): readonly EventRow[] {
  const columns = valueColumns(source);
  const created = source.createdTimestampField;
  const clock = { type: 'timestamp', isClock: true, notNull: 'every row needs a time' } as const;
  const { rows, values } = readFrame(
    frame,
    [
      { names: [source.timestampField], ...clock },
      ...(created === null ? [] : [{ names: [created] as const, ...clock }]),
      ...columns.map(({ name, type }) => ({ names: [name] as const, type })),
    ],
    { to: `push source "${source.name}"`, now: rules.receivedAt, ...rules },
  );
  const [times = [], ...rest] = values;
  const createdTimes = created === null ? undefined : rest.shift();
  return Array.from({ length: rows }, (_, row) => ({
    eventTime: timeAt(times, row),
    createdTime: createdTimes === undefined ? null : timeAt(createdTimes, row),
    columns: Object.fromEntries(columns.map(({ name }, index) => [name, rest[index]?.[row] ?? null])),
  }));
}

function timeAt(times: readonly Value[], row: number): Micros {
  const time = times[row];
  if (typeof time !== 'bigint') throw new RangeError(`row ${row} has no time`);
  return micros(time);
}

/** What each view publishes of the rows. REQUEST_INVALID when it cannot take one of them. */
function publishable(
  views: readonly BatchViewSpec[],
  source: PushSourceSpec,
  rows: readonly EventRow[],
  { receivedAt, maxRowBytes }: Pick<WriteDeps, 'maxRowBytes'> & { readonly receivedAt: Micros },
): readonly { readonly view: BatchViewSpec; readonly newest: readonly FeatureRow[] }[] {
  const problems: Problem[] = [];
  const tables = views.map((view) => {
    const found = problems.length;
    const typed = rows.map((row, at) => featureRow(view, source, row, at, receivedAt, problems));
    problems.push(...largeRows(view, typed, maxRowBytes));
    // Which of them is the newest is only asked of rows that are right.
    return { view, newest: problems.length > found ? [] : newestRows(typed, problems, view.name) };
  });
  refuse(problems, { to: `push source "${source.name}"` });
  return tables;
}

function featureRow(
  view: BatchViewSpec,
  source: PushSourceSpec,
  { eventTime, createdTime, columns }: EventRow,
  at: number,
  receivedAt: Micros,
  problems: Problem[],
): FeatureRow {
  const cell = (name: string): Value => {
    if (name === source.timestampField) return eventTime;
    if (name === source.createdTimestampField) return createdTime;
    return name === RECEIVED_TIME ? receivedAt : (columns[name] ?? null);
  };
  const key = view.joinKeys.map(({ name, type }): KeyValue => {
    const value = widenValue(cell(name), type);
    if (value !== null && value !== undefined && typeof value !== 'object') return value;
    problems.push({
      where: `df.${name}[${at}]`,
      message: `found null; "${name}" is a join key of view "${view.name}", which needs one in every row.`,
    });
    return '';
  });
  const values = view.features.map(({ name, type }): Value => {
    const value = widenValue(cell(name), type);
    if (value !== undefined) return value;
    problems.push({
      where: `df.${name}[${at}]`,
      message: `found a value that is no ${type}, as which view "${view.name}" serves it.`,
    });
    return null;
  });
  return { key, values, eventTime, createdTime: createdTime ?? receivedAt, revision: 0 };
}
