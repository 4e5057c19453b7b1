import { type Problem, TidemarkError } from '../core/errors.ts';
import type { ExactJson } from '../core/exact-json.ts';
import { type BatchViewSpec, formatViewVersion } from '../core/feature-view.ts';
import { namedView, type ViewDirectory } from '../core/named-view.ts';
import type { FeatureRow } from '../core/rows.ts';
import { RECEIVED_TIME } from '../core/source.ts';
import { formatTime, type Micros, micros, parseTime } from '../core/time.ts';
import type { KeyValue, Value } from '../core/value-type.ts';
import { jsonDecoder } from '../serving/json-decoder.ts';
import { largeRows } from './large-rows.ts';
import { newestRows } from './newest-rows.ts';
import { type WriteDeps, type WrittenOnline, writeOnline } from './push-rows.ts';
import { type Frame, type FrameColumn, type FrameRules, readFrame, refuse } from './read-frame.ts';

/** What Feast's clients call the times of a row, whatever the view calls them. */
const EVENT_TIME_NAME = 'event_timestamp';
const CREATED_TIME_NAME = 'created';

/**
 * Writes rows straight into a view's online table, past its source: join keys, all features, and the event time
 * (under the view's name for it or Feast's); where rows end, their end too, or they have none. `view` means the version
 * that is served, `view@v2` another. All rows or none; of each entity the newest, by compare-and-set.
 */
export async function writeViewRows(
  { view: text, frame }: { readonly view: string; readonly frame: Frame },
  deps: WriteDeps & ViewDirectory,
): Promise<WrittenOnline> {
  const view = onlineView(text, deps);
  const now = deps.clock();
  const rules = { to: `view "${text}"`, now, maxFuture: deps.maxFuture, maxRows: deps.maxRows };
  const rows = featureRows(view, frame, rules);
  const problems: Problem[] = rows.flatMap((row, at) => neverTrue(view, row, at));
  problems.push(...largeRows(view, rows, deps.maxRowBytes));
  const newest = newestRows(rows, problems, view.name);
  refuse(problems, rules);
  return await writeOnline(view, newest, rows.length, deps);
}

function onlineView(text: string, directory: ViewDirectory): BatchViewSpec {
  const view = namedView(text, directory);
  if (view.kind === 'batch_view' && view.online) return view;
  const why =
    view.kind === 'batch_view'
      ? 'it is not published online; set online: true'
      : 'its features are computed when they are read';
  throw new TidemarkError(
    'REQUEST_INVALID',
    `Cannot write to view "${formatViewVersion({ view: view.name, version: view.version })}": ${why}.`,
  );
}

function featureRows(view: BatchViewSpec, frame: Frame, rules: FrameRules): readonly FeatureRow[] {
  const own = new Set([...view.joinKeys, ...view.features].map(({ name }) => name));
  const free = (...names: readonly (string | null)[]) =>
    [...new Set(names)].filter(
      (name): name is string => name !== null && name !== RECEIVED_TIME && !own.has(name),
    );
  const [time = view.timestampField, ...otherTimes] = free(view.timestampField, EVENT_TIME_NAME);
  const [created, ...otherCreated] = free(view.createdTimestampField, CREATED_TIME_NAME);
  const clock = { type: 'timestamp', isClock: true } as const;
  // A column that is a feature too is read as that.
  const end = view.validTo === undefined || own.has(view.validTo) ? undefined : view.validTo;
  const columns: readonly FrameColumn[] = [
    { names: [time, ...otherTimes], ...clock, notNull: 'every row needs a time' },
    ...(created === undefined
      ? []
      : [{ names: [created, ...otherCreated] as const, ...clock, mayBeMissing: true }]),
    ...(end === undefined ? [] : [{ names: [end] as const, type: 'timestamp', mayBeMissing: true } as const]),
    ...view.joinKeys.map(({ name, type }) => ({
      names: [name] as const,
      type,
      notNull: `"${name}" is a join key, and every row needs one`,
    })),
    ...view.features.map(({ name, type }) => ({
      names: [name] as const,
      type,
      ...(type === 'timestamp' ? { decode: timeOrSeconds } : {}),
      ...(type === 'array<timestamp>' ? { decode: timesOrSeconds } : {}),
    })),
  ];
  const { rows, values } = readFrame(frame, columns, rules);
  const [times = [], ...rest] = values;
  const createdTimes = created === undefined ? undefined : rest.shift();
  const keys = view.joinKeys.length;
  const feature = view.features.findIndex(({ name }) => name === view.validTo);
  const ends = end === undefined ? rest[keys + feature] : rest.shift();
  return Array.from({ length: rows }, (_, row): FeatureRow => {
    const cells = rest.map((column): Value => column?.[row] ?? null);
    return {
      key: cells.slice(0, keys) as readonly KeyValue[],
      values: cells.slice(keys),
      eventTime: timeAt(times[row], rules.now),
      createdTime: timeAt(createdTimes?.[row], rules.now),
      revision: 0,
      ...(view.validTo === undefined ? {} : { validTo: endAt(ends?.[row]) }),
    };
  });
}

/** The value of a timestamp, or of a date. */
function endAt(value: Value | undefined): Micros | null {
  if (typeof value === 'string') return parseTime(value) ?? null;
  return typeof value === 'bigint' ? micros(value) : null;
}

/** As when it is computed: such a row would only hide what was there before it. */
function neverTrue(
  view: BatchViewSpec,
  { eventTime, validTo = null }: FeatureRow,
  at: number,
): readonly Problem[] {
  if (validTo === null || validTo > eventTime) return [];
  const message = `found ${formatTime(validTo)}, which is not after the row's own time (${formatTime(eventTime)}); it would never be true.`;
  return [{ where: `df.${view.validTo}[${at}]`, message }];
}

function timeAt(value: Value | undefined, otherwise: Micros): Micros {
  return typeof value === 'bigint' ? micros(value) : otherwise;
}

const decodeTime = jsonDecoder('timestamp');

/** Feast's client sends timestamps of features as whole seconds since 1970, as it is served them; in lists too. */
function timeOrSeconds(json: ExactJson): Value | undefined {
  if (typeof json !== 'number' || !Number.isSafeInteger(json)) return decodeTime(json);
  const time = BigInt(json) * 1_000_000n;
  return BigInt.asIntN(64, time) === time ? time : undefined;
}

function timesOrSeconds(json: ExactJson): Value | undefined {
  if (!Array.isArray(json)) return json === null ? null : undefined;
  const times: Value[] = [];
  for (const item of json as readonly ExactJson[]) {
    const time = timeOrSeconds(item);
    if (time === undefined) return undefined;
    times.push(time);
  }
  return times;
}
