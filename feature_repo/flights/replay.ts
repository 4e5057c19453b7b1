/**
 * The replay: 2013's flights, moved by whole weeks so that now falls inside them. Rows are withheld until their time
 * comes; a feeder adds them, so that schedules fire and watermarks move.
 *
 *     <liveDir>/flights/*.parquet   outcomes of flights, added as they become known; files never change
 *     <liveDir>/weather/*.parquet   hourly readings, likewise
 *     <liveDir>/schedule/*.parquet  flights up to a day ahead, by month; files are replaced when labels come
 *     <liveDir>/planes.parquet, airports.parquet, airlines.parquet
 *
 * What it keeps, always:
 * 1. A file holds exactly the rows that became known (`created_at`) in the span its name gives, `[from, until)`.
 * 2. Files appear by rename, complete; so the newest file's end is where the next begins, whatever crashed between.
 * 3. One feeder at a time.
 */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { TidemarkError } from '../../src/core/errors.ts';
import {
  earliest,
  formatTime,
  latest,
  type Micros,
  micros,
  parseTime,
  timeOf,
  toDate,
} from '../../src/core/time.ts';
import { asOnlyFeeder } from './replay-lock.ts';
import {
  changedMonthsSql,
  type Feed,
  knownSql,
  quote,
  scheduleSql,
  shiftedSql,
  staticSql,
} from './replay-sql.ts';
import {
  DATA_END,
  type Replay,
  type ReplayState,
  readState,
  replayOf,
  shifted,
  writeState,
} from './replay-state.ts';

export { type Replay, readReplay } from './replay-state.ts';

export interface ReplayPlace {
  readonly liveDir: string;
  readonly now: Micros;
}

/** Rows added by one feed, and the time before which all that became known is in the files. */
export type Fed =
  | { readonly kind: 'fed'; readonly flights: number; readonly weather: number; readonly until: Micros }
  | {
      readonly kind: 'ended';
      readonly flights: number;
      readonly weather: number;
      readonly until: Micros;
      readonly message: string;
    };

const DATA_DIR = join(import.meta.dirname, 'data');
const STATIC_TABLES = ['planes', 'airports', 'airlines'] as const;
/** Now falls into the week after this day of the data, the fortieth. */
const ENTRY = timeOf('2013-10-01T00:00:00Z');
const WEEK = 604_800_000_000n;
const SECOND = 1_000_000n;

/** Starts a replay in `liveDir`, or carries on with the one that is there. Takes seconds the first time. */
export async function prepareReplay({ liveDir, now }: ReplayPlace): Promise<Replay & { readonly fed: Fed }> {
  await mkdir(liveDir, { recursive: true });
  return asOnlyFeeder(liveDir, async () => {
    const state = readState(liveDir) ?? { ...newReplay(now), preparedUntil: null };
    // The choice is kept before any file is written by it: a crash must not lead to files of two shifts.
    await writeState(liveDir, state);
    const fed = await feed(liveDir, state, now);
    return { shiftWeeks: state.shiftWeeks, start: state.start, fed };
  });
}

/**
 * Adds what became known since the last feed: one small file each of flights and weather, none where nothing came.
 * Repeating it, or calling it after a crash, adds nothing twice. Every five minutes is often enough.
 * @throws REQUEST_INVALID when no replay was prepared; APPLY_CONFLICT while another feed runs.
 */
export async function feedReplay({ liveDir, now }: ReplayPlace): Promise<Fed> {
  const unprepared = `Cannot feed the replay in "${liveDir}": none was prepared there.`;
  if (readState(liveDir) === undefined) throw new TidemarkError('REQUEST_INVALID', unprepared);
  return asOnlyFeeder(liveDir, async () => {
    const state = readState(liveDir);
    if (state === undefined) throw new TidemarkError('REQUEST_INVALID', unprepared);
    return feed(liveDir, state, now);
  });
}

function newReplay(now: Micros): Replay {
  if (now < ENTRY) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot replay at ${formatTime(now)}: the data moves forward in time only, from ${formatTime(ENTRY)} on.`,
    );
  }
  return replayOf(Number((now - ENTRY) / WEEK));
}

async function feed(liveDir: string, state: ReplayState, now: Micros): Promise<Fed> {
  const end = shifted(DATA_END, state.shiftWeeks);
  const wanted = earliest(micros(now - (now % SECOND)), end);
  const until = state.preparedUntil === null ? wanted : latest(wanted, state.preparedUntil);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  let added: { readonly flights: number; readonly weather: number };
  try {
    await writeStatics(connection, liveDir, state);
    added = {
      flights: await feedRows(connection, liveDir, state, 'flights', until),
      weather: await feedRows(connection, liveDir, state, 'weather', until),
    };
    await feedSchedule(connection, liveDir, state, until);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  await writeState(liveDir, { ...state, preparedUntil: until });
  if (now < end) return { kind: 'fed', ...added, until };
  const message = `The replay in "${liveDir}" ended at ${formatTime(end)}: the data has no later rows. Delete the folder to start it anew.`;
  return { kind: 'ended', ...added, until, message };
}

async function writeStatics(
  connection: DuckDBConnection,
  liveDir: string,
  state: ReplayState,
): Promise<void> {
  const present = new Set(await readdir(liveDir));
  for (const table of STATIC_TABLES) {
    const name = `${table}.parquet`;
    if (present.has(name)) continue;
    await writeFile(connection, staticSql(join(DATA_DIR, name), timeOf(state.start)), join(liveDir, name));
  }
}

async function feedRows(
  connection: DuckDBConnection,
  liveDir: string,
  state: ReplayState,
  kind: Feed,
  until: Micros,
): Promise<number> {
  const dir = join(liveDir, kind);
  const rows = shiftedSql(kind, join(DATA_DIR, `${kind}.parquet`), state.shiftWeeks);
  const from = latest(await lastEnd(dir), state.preparedUntil ?? timeOf(state.start));
  let added = 0;
  for (const span of byMonth(from, until)) {
    added += await writeFile(connection, knownSql(rows, span.from, span.until), join(dir, fileName(span)));
  }
  return added;
}

/** A flight stays in its month's file, which is replaced whole: a reader never sees it twice or not at all. */
async function feedSchedule(
  connection: DuckDBConnection,
  liveDir: string,
  state: ReplayState,
  until: Micros,
): Promise<void> {
  const dir = join(liveDir, 'schedule');
  await mkdir(dir, { recursive: true });
  const flights = shiftedSql('flights', join(DATA_DIR, 'flights.parquet'), state.shiftWeeks);
  // The first time, everything since the start is new; a day earlier, because the schedule looks a day ahead.
  const from = state.preparedUntil ?? micros(timeOf(state.start) - 86_400n * SECOND);
  const months = await connection.runAndReadAll(changedMonthsSql(flights, from, until));
  for (const [month] of months.getRowsJson()) {
    await writeFile(connection, scheduleSql(flights, String(month), until), join(dir, `${month}.parquet`));
  }
}

interface Span {
  readonly from: Micros;
  readonly until: Micros;
}

/** `[from, until)` cut at the starts of months. */
function byMonth(from: Micros, until: Micros): readonly Span[] {
  const spans: Span[] = [];
  for (let at = from; at < until; ) {
    const day = toDate(at);
    const nextMonth = micros(BigInt(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1)) * 1000n);
    const end = earliest(nextMonth, until);
    spans.push({ from: at, until: end });
    at = end;
  }
  return spans;
}

/** `20260101T000000Z-20260201T000000Z.parquet` */
function fileName({ from, until }: Span): string {
  const compact = (time: Micros): string => formatTime(time).replaceAll(/[-:]/g, '');
  return `${compact(from)}-${compact(until)}.parquet`;
}

const ENDING = /-(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z\.parquet$/;

/** The end of the newest file in `dir`; the beginning of time where there is none. */
async function lastEnd(dir: string): Promise<Micros> {
  await mkdir(dir, { recursive: true });
  const ends = (await readdir(dir)).map((name) =>
    parseTime(name.replace(ENDING, ' $1-$2-$3T$4:$5:$6Z').split(' ')[1] ?? ''),
  );
  return ends.reduce<Micros>((last, end) => (end === undefined ? last : latest(last, end)), micros(0n));
}

/** Writes a query's rows to `path` by rename and returns their number; no rows, no file. */
async function writeFile(connection: DuckDBConnection, sql: string, path: string): Promise<number> {
  const temporary = `${path}.tmp`;
  const { rowsChanged } = await connection.run(
    `COPY (${sql}) TO ${quote(temporary)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  if (rowsChanged === 0) await rm(temporary, { force: true });
  else await rename(temporary, path);
  return rowsChanged;
}
