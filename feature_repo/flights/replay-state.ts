/**
 * What a running replay must remember, in `<liveDir>/replay.json`. Read synchronously and without DuckDB, so that
 * definition files can ask for the start: `startTime: readReplay(liveDir).start`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, TidemarkError } from '../../src/core/errors.ts';
import { addDuration, durationOf, formatTime, type Micros, parseTime, timeOf } from '../../src/core/time.ts';

/** The first day of the data, and a time after its last row. */
export const DATA_START = timeOf('2013-01-01T00:00:00Z');
export const DATA_END = timeOf('2014-01-02T00:00:00Z');

export interface Replay {
  /** Every time of the data is moved by this many weeks, so that days of the week stay. */
  readonly shiftWeeks: number;
  /** The data's first day after the shift, ISO 8601. */
  readonly start: string;
}

export interface ReplayState extends Replay {
  /** All rows known before this time are in the files; null until the first feed is complete. */
  readonly preparedUntil: Micros | null;
}

export function shifted(time: Micros, shiftWeeks: number): Micros {
  return addDuration(time, durationOf(`${shiftWeeks}w`));
}

/** The replay in `liveDir`; where none was prepared, the data as it is: no shift, starting on 2013-01-01. */
export function readReplay(liveDir: string): Replay {
  const { shiftWeeks, start } = readState(liveDir) ?? { shiftWeeks: 0, start: formatTime(DATA_START) };
  return { shiftWeeks, start };
}

/** @throws SOURCE_UNREADABLE when the file is there but is not a replay's state. */
export function readState(liveDir: string): ReplayState | undefined {
  const path = statePath(liveDir);
  if (!existsSync(path)) return undefined;
  try {
    return parseState(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new TidemarkError(
      'SOURCE_UNREADABLE',
      `Cannot read the replay's state "${path}": ${messageOf(cause)}. Delete the folder "${liveDir}" to start anew.`,
      { cause },
    );
  }
}

function parseState(json: unknown): ReplayState {
  const state: Readonly<Record<string, unknown>> = { ...(json as object) };
  const { shiftWeeks, preparedUntil } = state;
  if (typeof shiftWeeks !== 'number' || !Number.isSafeInteger(shiftWeeks) || shiftWeeks < 0) {
    throw new TypeError(`shiftWeeks is ${JSON.stringify(shiftWeeks)}, expected a whole number`);
  }
  const until = typeof preparedUntil === 'string' ? parseTime(preparedUntil) : preparedUntil;
  if (until !== null && typeof until !== 'bigint') {
    throw new TypeError(
      `preparedUntil is ${JSON.stringify(preparedUntil)}, expected an ISO 8601 time or null`,
    );
  }
  return { ...replayOf(shiftWeeks), preparedUntil: until as Micros | null };
}

export function replayOf(shiftWeeks: number): Replay {
  return { shiftWeeks, start: formatTime(shifted(DATA_START, shiftWeeks)) };
}

/** Replaced by rename: a reader sees the old state or the new one. */
export async function writeState(liveDir: string, state: ReplayState): Promise<void> {
  const preparedUntil = state.preparedUntil === null ? null : formatTime(state.preparedUntil);
  const path = statePath(liveDir);
  await writeFile(`${path}.tmp`, `${JSON.stringify({ ...state, preparedUntil }, null, 2)}\n`);
  await rename(`${path}.tmp`, path);
}

function statePath(liveDir: string): string {
  return join(liveDir, 'replay.json');
}
