import { readFile, rm, truncate } from 'node:fs/promises';
import { basename } from 'node:path';
import { TidemarkError } from '../../core/errors.ts';
import { toDate } from '../../core/time.ts';
import type { PushedRowsWriter } from '../../offline/pushed-rows-writer.ts';
import type { PushedFiles, PushedSource } from '../pushed-files.ts';
import { readSegment } from './segment-format.ts';
import { parseSegmentName } from './segment-name.ts';

export interface SealDeps {
  readonly files: PushedFiles;
  readonly writer: PushedRowsWriter;
}

export interface Sealed {
  /** Null when the segment told none. */
  readonly source: PushedSource | null;
  readonly rows: number;
  /** Null when there was nothing to make a file of, or somebody else has made it. */
  readonly path: string | null;
}

/**
 * Makes a segment that nobody appends to into a recorded file, and removes it. The file's name follows from the
 * segment's, so that any process may do this at any time, again, or beside another one: what is recorded is the same.
 *
 * `length` says how much of it counts, when that is known better than the file tells: bytes after it were never
 * answered.
 */
export async function sealSegment(
  segment: string,
  { files, writer }: SealDeps,
  length?: number,
): Promise<Sealed> {
  const bytes = await bytesOf(segment);
  if (bytes === undefined) return NOTHING;
  const content = readSegment(length === undefined ? bytes : bytes.subarray(0, length));
  // All of it was answered, and was whole then.
  if (length !== undefined && content.length < length) throw changed(segment, content.length, length);
  const { source, rows, longestLine } = content;
  if (source === undefined || rows === 0) {
    await rm(segment, { force: true });
    return NOTHING;
  }
  const path = pushedFilePath(source.project, source.name, basename(segment));
  if (!(await files.isRecorded(path))) {
    try {
      // What was cut off by a crash is no JSON.
      if (content.length < bytes.length) await truncate(segment, content.length);
      const written = await writer.write({ source, lines: segment, longestLine, path });
      if (written.rows !== rows) throw unequal(segment, rows, written.rows);
      await files.record({ project: source.project, source: source.name, path, ...written });
    } catch (error) {
      // Whoever removed the segment meanwhile had recorded its file before.
      if (await files.isRecorded(path)) return NOTHING;
      throw error;
    }
  }
  await rm(segment, { force: true });
  return { source: { project: source.project, source: source.name }, rows, path };
}

const NOTHING: Sealed = { source: null, rows: 0, path: null };

function changed(segment: string, whole: number, length: number): TidemarkError {
  return new TidemarkError(
    'STORE_CORRUPT',
    `Cannot make a file of the pushed rows in ${segment}: of ${length} bytes that were written, those from ${whole} on are not as they were.`,
  );
}

function unequal(segment: string, rows: number, written: number): TidemarkError {
  return new TidemarkError(
    'STORE_CORRUPT',
    `Cannot make a file of the pushed rows in ${segment}: it holds ${rows} rows, and ${written} could be read.`,
  );
}

async function bytesOf(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `shop/pushed/clicks/2026-03-01/<segment>.parquet`, by the day on which the segment was opened. */
export function pushedFilePath(project: string, source: string, segment: string): string {
  const openedAt = parseSegmentName(segment)?.openedAt;
  const day = openedAt === undefined ? 'unknown' : toDate(openedAt).toISOString().slice(0, 10);
  return `${project}/pushed/${source}/${day}/${segment.replace(/\.segment$/, '')}.parquet`;
}
