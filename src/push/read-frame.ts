import { type Problem, problemsError, TidemarkError } from '../core/errors.ts';
import type { ExactJson } from '../core/exact-json.ts';
import { didYouMean } from '../core/nearest.ts';
import {
  type DurationMicros,
  formatDuration,
  formatTime,
  type Micros,
  micros,
  timeOf,
} from '../core/time.ts';
import type { Value, ValueType } from '../core/value-type.ts';
import { allowedJson, jsonDecoder, wrongJson } from '../serving/json-decoder.ts';

/** Rows as they are sent: values by column, lists of one length. */
export type Frame = Readonly<Record<string, readonly ExactJson[]>>;

export interface FrameColumn {
  /** Under any of these names. */
  readonly names: readonly [string, ...string[]];
  readonly type: ValueType;
  readonly mayBeMissing?: boolean;
  /** Why there must be a value; undefined when null is one. */
  readonly notNull?: string;
  /** Whether a time may not lie in the future. */
  readonly isClock?: boolean;
  /** In place of the type's own, for callers that write values in another way. */
  readonly decode?: (json: ExactJson) => Value | undefined;
}

export interface FrameRules {
  /** What the rows are sent to, for messages: `push source "clicks"`. */
  readonly to: string;
  readonly now: Micros;
  /** How far a clock may be ahead of ours. */
  readonly maxFuture: DurationMicros;
  readonly maxRows: number;
}

export interface DecodedFrame {
  readonly rows: number;
  /** By position of the columns asked for; undefined for one that may be missing and is. */
  readonly values: readonly (readonly Value[] | undefined)[];
}

/** More problems than this are counted, not listed. */
const LISTED = 20;

/**
 * Checks every column and value of a frame, and types them. REQUEST_INVALID with all problems, each with its column
 * and row; TOO_LARGE beyond `maxRows`. A frame of no rows is one, whatever its columns.
 */
export function readFrame(frame: Frame, columns: readonly FrameColumn[], rules: FrameRules): DecodedFrame {
  const rows = rowsOf(frame, rules);
  const problems: Problem[] = [];
  const known = new Set(columns.flatMap(({ names }) => names));
  for (const name of Object.keys(frame)) {
    if (known.has(name)) continue;
    // Those after the listed ones are only counted.
    if (problems.length >= LISTED) {
      problems.push({ where: 'df', message: '' });
      continue;
    }
    const hint = didYouMean(name, known) || ` It has ${[...known].map((one) => `"${one}"`).join(', ')}.`;
    problems.push({ where: `df.${name}`, message: `${rules.to} has no such column.${hint}` });
  }
  const values = columns.map((column) => readColumn(frame, column, rows, rules, problems));
  refuse(problems, rules);
  return { rows, values };
}

/** REQUEST_INVALID with the first of the problems, if there are any. */
export function refuse(problems: readonly Problem[], { to }: Pick<FrameRules, 'to'>): void {
  if (problems.length === 0) return;
  const listed = problems.slice(0, LISTED);
  if (problems.length > LISTED) listed.push({ where: 'df', message: `and ${problems.length - LISTED} more` });
  throw problemsError('REQUEST_INVALID', `Cannot write these rows to ${to}; none was written:`, listed);
}

function rowsOf(frame: Frame, { to, maxRows }: FrameRules): number {
  const lengths = Object.entries(frame).map(([name, values]) => ({ name, length: values.length }));
  const rows = lengths[0]?.length ?? 0;
  if (lengths.some(({ length }) => length !== rows)) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot write lists of different lengths to ${to}: ${different(lengths)}.`,
    );
  }
  if (rows > maxRows) {
    throw new TidemarkError(
      'TOO_LARGE',
      `Cannot write ${rows} rows to ${to} in one request: the limit is ${maxRows}. Send them in several requests.`,
    );
  }
  return rows;
}

/** The first list, and some of those that have another length. */
function different(lists: readonly { readonly name: string; readonly length: number }[]): string {
  const told = lists.filter(({ length }, at) => at === 0 || length !== lists[0]?.length).slice(0, LISTED);
  return told.map(({ name, length }) => `"${name}" has ${length}`).join(', ');
}

function readColumn(
  frame: Frame,
  column: FrameColumn,
  rows: number,
  rules: FrameRules,
  problems: Problem[],
): readonly Value[] | undefined {
  const [first, ...others] = column.names;
  const given = column.names.filter((name) => Object.hasOwn(frame, name));
  const [name, again] = given;
  if (name === undefined) {
    if (column.mayBeMissing === true || rows === 0) return undefined;
    const or = others.length === 0 ? '' : ` (or ${others.map((other) => `"${other}"`).join(', ')})`;
    const message = `the column${or} is missing; every row needs it, ${allowedJson(column.type)}.`;
    problems.push({ where: `df.${first}`, message });
    return undefined;
  }
  if (again !== undefined) {
    problems.push({ where: `df.${again}`, message: `"${name}" is the same column; send one of them.` });
  }
  const decode = column.decode ?? jsonDecoder(column.type);
  return (frame[name] ?? []).map((json, row) => {
    const value = decode(json);
    const message =
      value === undefined
        ? wrongJson(json, column.type, decode)
        : value === null && column.notNull !== undefined
          ? `found null; ${column.notNull}.`
          : column.isClock === true && typeof value === 'bigint'
            ? wrongClock(micros(value), rules)
            : undefined;
    if (message !== undefined) problems.push({ where: `df.${name}[${row}]`, message });
    return value ?? null;
  });
}

/** SQL has no year 0: such a row could be stored, and never again be found by its time. */
const FIRST_TIME = timeOf('0001-01-01');

function wrongClock(time: Micros, { now, maxFuture }: FrameRules): string | undefined {
  if (time < FIRST_TIME) return `found ${formatTime(time)}, which is before the year 1.`;
  if (time <= now + maxFuture) return undefined;
  return `found ${formatTime(time)}, which is more than ${formatDuration(maxFuture)} ahead of this server's clock (${formatTime(now)}).`;
}
