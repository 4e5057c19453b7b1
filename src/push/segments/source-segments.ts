import { join } from 'node:path';
import type { PushSourceSpec } from '../../core/source.ts';
import { addDuration, type Clock, type DurationMicros, type Micros } from '../../core/time.ts';
import type { PushBatch } from '../push-log.ts';
import { groupCommit } from './group-commit.ts';
import type { SegmentToSeal } from './seal-queue.ts';
import { createSegmentFile, type SegmentFile } from './segment-file.ts';
import { encodeBatch, segmentHeader } from './segment-format.ts';
import { type SegmentOwner, segmentFileName } from './segment-name.ts';

export interface SourceSegments {
  /** Resolves when the batch is on disk, together with all others that came meanwhile. */
  append(batch: PushBatch): Promise<void>;
  /** Ends the open segment: always, or only when it is old enough. */
  retire(when: 'always' | 'old'): Promise<void>;
}

export interface SourceSegmentsOptions {
  readonly folder: string;
  readonly owner: SegmentOwner;
  readonly clock: Clock;
  /** Counts the segments of this process. */
  readonly nextNumber: () => number;
  /** The source as it is now. */
  readonly source: () => Promise<PushSourceSpec>;
  readonly sealAfter: DurationMicros;
  readonly sealBytes: number;
  readonly onRetired: (segment: SegmentToSeal) => void;
}

interface OpenSegment {
  readonly file: SegmentFile;
  readonly source: PushSourceSpec;
  readonly openedAt: Micros;
}

/** The segments of one source, one open at a time: none until rows come, and none that has grown old. */
export function sourceSegments(options: SourceSegmentsOptions): SourceSegments {
  const { folder, owner, clock, nextNumber, sealAfter, sealBytes, onRetired } = options;
  let open: OpenSegment | undefined;

  const commits = groupCommit<PushBatch>(async (batches) => {
    const source = await options.source();
    if (open !== undefined && mustEnd(open, source)) await end();
    open ??= await begin(source);
    await open.file.append(batches.map(({ receivedAt, rows }) => encodeBatch(source, receivedAt, rows)));
  });

  const isOld = ({ openedAt }: OpenSegment) => clock() >= addDuration(openedAt, sealAfter);

  function mustEnd(segment: OpenSegment, source: PushSourceSpec): boolean {
    return (
      segment.file.isBroken() ||
      segment.file.length() >= sealBytes ||
      isOld(segment) ||
      JSON.stringify(segment.source) !== JSON.stringify(source)
    );
  }

  async function begin(source: PushSourceSpec): Promise<OpenSegment> {
    const openedAt = clock();
    const name = segmentFileName({ openedAt, number: nextNumber(), owner });
    const path = join(folder, source.project, source.name, name);
    return { file: await createSegmentFile(path, segmentHeader(source)), source, openedAt };
  }

  async function end(): Promise<void> {
    if (open === undefined) return;
    const { file } = open;
    open = undefined;
    await file.close();
    onRetired({ path: file.path, length: file.length() });
  }

  return {
    append: (batch) => commits.add(batch),
    retire: (when) =>
      commits.exclusively(async () => {
        if (open !== undefined && (when === 'always' || isOld(open) || open.file.isBroken())) await end();
      }),
  };
}
