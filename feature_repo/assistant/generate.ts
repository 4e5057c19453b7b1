/**
 * Generates the events of an AI assistant's users: sessions with messages and tool uses, heavy-tailed activity, a
 * daily and weekly rhythm, preferred models, weeks away. The same seed and period give the same bytes.
 *
 *     node feature_repo/assistant/generate.ts [--users 2000] [--days 60] [--seed 7] [--until TIME] [--out DIR]
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { TidemarkError } from '../../src/core/errors.ts';
import { formatTime, type Micros, micros, parseTime, systemClock } from '../../src/core/time.ts';
import { eventsSql } from './generate-sql.ts';

export interface GenerateOptions {
  /** The events go to `<outDir>/events/<month>.parquet`; what was there is replaced. */
  readonly outDir: string;
  readonly seed?: number;
  readonly users?: number;
  /** Length of the period before `until`, in days. */
  readonly days?: number;
  /** Rows known before this time; by default the last full hour. */
  readonly until?: Micros;
}

export interface Generated {
  readonly events: number;
  readonly files: readonly string[];
  readonly from: Micros;
  readonly until: Micros;
}

const HOUR = 3_600_000_000n;

/** @throws REQUEST_INVALID when `seed`, `users` or `days` is not a whole number in its range. */
export async function generateEvents(options: GenerateOptions): Promise<Generated> {
  const seed = whole('seed', options.seed ?? 7, 0);
  const users = whole('users', options.users ?? 2000, 1);
  const days = whole('days', options.days ?? 60, 1);
  const until = options.until ?? lastFullHour(systemClock());
  const from = micros(until - BigInt(days) * 24n * HOUR);
  const dir = join(options.outDir, 'events');
  const unfinished = `${dir}.tmp`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const { events, names } = await writeMonths(eventsSql({ seed, users, from, until }), unfinished);
  await rm(dir, { recursive: true, force: true });
  await rename(unfinished, dir);
  return { events, files: names.map((name) => join(dir, name)), from, until };
}

async function writeMonths(sql: string, dir: string): Promise<{ events: number; names: readonly string[] }> {
  // One thread: with more, the order of rows in a file would be the same, but its row groups might not be.
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    await connection.run(sql);
    const found = await connection.runAndReadAll(
      `SELECT DISTINCT strftime(event_timestamp, '%Y-%m') FROM events ORDER BY 1`,
    );
    const months = found.getRowsJson().map(([month]) => String(month));
    let events = 0;
    for (const month of months) {
      const { rowsChanged } = await connection.run(
        `COPY (FROM events WHERE strftime(event_timestamp, '%Y-%m') = '${month}')
         TO '${join(dir, `${month}.parquet`).replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`,
      );
      events += rowsChanged;
    }
    return { events, names: months.map((month) => `${month}.parquet`) };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new TidemarkError(
    'REQUEST_INVALID',
    `Cannot generate events with ${name} ${value}: a whole number of at least ${least} is needed.`,
  );
}

function lastFullHour(now: Micros): Micros {
  return micros(now - (now % HOUR));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: join(import.meta.dirname, 'live') },
      seed: { type: 'string', default: '7' },
      users: { type: 'string', default: '2000' },
      days: { type: 'string', default: '60' },
      until: { type: 'string' },
    },
  });
  const until = values.until === undefined ? undefined : parseTime(values.until);
  if (values.until !== undefined && until === undefined) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot generate events until "${values.until}": it is not a time.`,
    );
  }
  const generated = await generateEvents({
    outDir: values.out,
    seed: Number(values.seed),
    users: Number(values.users),
    days: Number(values.days),
    ...(until === undefined ? {} : { until }),
  });
  const span = `${formatTime(generated.from)} to ${formatTime(generated.until)}`;
  console.log(`${generated.events} events from ${span} in ${generated.files.length} files`);
}

if (import.meta.main) await main();
