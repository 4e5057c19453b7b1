import { crc32 } from 'node:zlib';
import { TidemarkError } from '../../core/errors.ts';
import type { EventRow } from '../../core/rows.ts';
import { type PushSourceSpec, valueColumns } from '../../core/source.ts';
import type { Micros } from '../../core/time.ts';
import type { Value } from '../../core/value-type.ts';

/**
 * A segment is JSON lines: one that tells the source, as it was when the segment was opened, then batches. A batch
 * is its rows and a line that ends it with their number and a CRC-32 of all that, so that a batch is there as a whole or not at
 * all, whatever a crash leaves behind it.
 *
 *     {"segment":1,"source":{…}}
 *     {"t":1767225600000000,"c":null,"r":1767225601000000,"v0":42,"v1":"a"}
 *     {"rows":1,"crc":3735928559}
 *
 * `t` is the event time, `c` the created time, `r` when the row was received (µs), `v<i>` the i-th of
 * `valueColumns`. Integers are exact; bytes are base64; numbers that JSON lacks are strings.
 */
export const SEGMENT_FORMAT = 1;

const NEWLINE = 0x0a;

export function segmentHeader(source: PushSourceSpec): Buffer {
  return Buffer.from(`${JSON.stringify({ segment: SEGMENT_FORMAT, source })}\n`);
}

export function encodeBatch(source: PushSourceSpec, receivedAt: Micros, rows: readonly EventRow[]): Buffer {
  const names = valueColumns(source).map(({ name }) => name);
  const labels = names.map((_, index) => `,"v${index}":`);
  let text = '';
  for (const { eventTime, createdTime, columns } of rows) {
    text += `{"t":${eventTime},"c":${createdTime},"r":${receivedAt}`;
    for (let at = 0; at < names.length; at++) {
      text += `${labels[at]}${valueText(columns[names[at] ?? ''] ?? null)}`;
    }
    text += '}\n';
  }
  const lines = Buffer.from(text);
  return Buffer.concat([
    lines,
    Buffer.from(`{"rows":${rows.length},"crc":${checksum(lines, rows.length)}}\n`),
  ]);
}

function checksum(lines: Buffer, rows: number): number {
  return crc32(String(rows), crc32(lines));
}

function valueText(value: Value): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Number.isFinite(value) ? String(value) : `"${value}"`;
    case 'bigint':
    case 'boolean':
      return String(value);
    case 'object':
      if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
      return `[${Array.from(value, valueText).join(',')}]`;
  }
}

export interface SegmentContent {
  /** Undefined when not even the first line is whole: nothing was ever answered from this segment. */
  readonly source: PushSourceSpec | undefined;
  readonly rows: number;
  /** Where the last whole batch ends; what follows was never answered. */
  readonly length: number;
  /** In bytes. */
  readonly longestLine: number;
}

/**
 * What of a segment's bytes counts. A crash leaves its trace at the end; STORE_CORRUPT when something stands before what
 * is whole that cannot be read, or when the segment was written by a newer Tidemark.
 */
export function readSegment(bytes: Buffer): SegmentContent {
  const nothing = { source: undefined, rows: 0, length: 0, longestLine: 0 };
  const headerEnd = bytes.indexOf(NEWLINE);
  if (headerEnd < 0) return nothing;
  const header = jsonOf(bytes.subarray(0, headerEnd)) as
    | { segment?: unknown; source?: PushSourceSpec }
    | undefined;
  if (header?.source === undefined) {
    if (bytes.length === headerEnd + 1) return nothing;
    throw corrupt('its first line, which tells the source, is not as it was written');
  }
  if (header.segment !== SEGMENT_FORMAT) {
    throw new TidemarkError(
      'STORE_CORRUPT',
      `Cannot read pushed rows of "${header.source.name}": their segment has format ${String(header.segment)}, and this Tidemark reads ${SEGMENT_FORMAT}. Use the one that wrote it.`,
    );
  }
  let rows = 0;
  let length = headerEnd + 1;
  let longestLine = length;
  let at = length;
  let line = 2;
  /** Of the batch that is read. */
  let first = { at, line };
  /** The first line of what is not whole: of a crash there is nothing whole after it. */
  let broken: number | undefined;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, at);
    if (end < 0) break;
    if (startsWith(bytes, at, '{"rows":')) {
      const whole = wholeLines(bytes, first.at, at, end);
      if (whole !== line - first.line) broken ??= first.line;
      if (whole !== undefined && broken !== undefined)
        throw corrupt(`its lines ${broken} to ${line - whole - 1} are not as they were written`);
      if (whole !== undefined) {
        rows += whole;
        length = end + 1;
      }
      first = { at: end + 1, line: line + 1 };
    }
    longestLine = Math.max(longestLine, end + 1 - at);
    at = end + 1;
    line += 1;
  }
  return { source: header.source, rows, length, longestLine };
}

/**
 * How many rows before the line from `at` to `end`, which ends a batch, are as they were written: its number of them,
 * or undefined. There may be other lines between `first` and them.
 */
function wholeLines(bytes: Buffer, first: number, at: number, end: number): number | undefined {
  const trailer = jsonOf(bytes.subarray(at, end)) as { rows: number; crc: number } | undefined;
  if (trailer === undefined) return undefined;
  const isWhole = (start: number) => trailer.crc === checksum(bytes.subarray(start, at), trailer.rows);
  if (isWhole(first)) return trailer.rows;
  let start = at;
  for (let left = trailer.rows; left > 0; left--) {
    if (start <= first) return undefined;
    start = bytes.lastIndexOf(NEWLINE, start - 2) + 1;
  }
  return start > first && isWhole(start) ? trailer.rows : undefined;
}

function corrupt(reason: string): TidemarkError {
  return new TidemarkError('STORE_CORRUPT', `Cannot read a segment of pushed rows: ${reason}.`);
}

function startsWith(bytes: Buffer, at: number, text: string): boolean {
  return bytes.toString('latin1', at, at + text.length) === text;
}

function jsonOf(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch {
    return undefined;
  }
}
