import { messageOf, TidemarkError } from '../../core/errors.ts';
import type { PushSourceSpec } from '../../core/source.ts';
import { type Clock, type DurationMicros, durationOf } from '../../core/time.ts';
import type { PushBatch, PushLog } from '../push-log.ts';
import type { UnreadableSegments } from '../unreadable-segments.ts';
import { findDeadSegments } from './find-segments.ts';
import { sealQueue } from './seal-queue.ts';
import type { SealDeps } from './seal-segment.ts';
import { thisProcess } from './segment-name.ts';
import { setAside } from './set-aside.ts';
import { type SourceSegments, sourceSegments } from './source-segments.ts';

export interface SegmentPushLogOptions extends SealDeps {
  /** On a local disk; absolute. */
  readonly folder: string;
  /** The source's definition as it was applied; what it throws rejects the append. */
  readonly sourceOf: (project: string, source: string) => Promise<PushSourceSpec>;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Without it only this log tells of segments that cannot be read. */
  readonly unreadable?: UnreadableSegments;
  /** How old a segment becomes before it is made a file; default 10 s. */
  readonly sealAfter?: DurationMicros;
  /** How large; default 64 MiB. A batch is never cut. */
  readonly sealBytes?: number;
}

export interface SegmentPushLog extends PushLog {
  /** Makes everything appended so far recorded files, but for what turns out unreadable; rejects with the first failure. */
  seal(): Promise<void>;
}

const SEAL_AFTER = durationOf('10s');
const SEAL_BYTES = 64 * 1024 * 1024;

/** How often segments of processes that have died meanwhile are looked for. */
const RECOVER_MILLIS = 60_000;

/**
 * The push log in segment files. Invariants, which the tests keep:
 * 1. An append resolves only after its bytes are on disk (fdatasync); appends at one time share one.
 * 2. An append that rejects leaves nothing behind, and neither does a batch that a crash has cut.
 * 3. A segment is removed only after its file is recorded; sealing it twice records the same file.
 * 4. Segments of processes that are gone are sealed by whoever comes next on this disk.
 * 5. A segment that cannot be read is renamed and otherwise left as it is; no other waits for it.
 */
export async function createSegmentPushLog(options: SegmentPushLogOptions): Promise<SegmentPushLog> {
  const { folder, sourceOf, clock, log, files, writer, unreadable } = options;
  const sealAfter = options.sealAfter ?? SEAL_AFTER;
  const sealBytes = options.sealBytes ?? SEAL_BYTES;
  const owner = thisProcess();
  const aside = setAside({ folder, owner, log, unreadable });
  const queue = sealQueue({ files, writer, aside }, log);
  const sources = new Map<string, SourceSegments>();
  let isClosed = false;

  function segmentsOf({ project, source }: Pick<PushBatch, 'project' | 'source'>): SourceSegments {
    const key = `${project}/${source}`;
    const known = sources.get(key);
    if (known !== undefined) return known;
    const made = sourceSegments({
      folder,
      owner,
      clock,
      nextNumber: () => ++opened,
      source: () => sourceOf(project, source),
      sealAfter,
      sealBytes,
      onRetired: (segment) => queue.add(segment),
    });
    sources.set(key, made);
    return made;
  }

  async function retireAll(when: 'always' | 'old'): Promise<void> {
    await Promise.all([...sources.values()].map((segments) => segments.retire(when)));
  }

  async function recover(): Promise<void> {
    for (const path of await findDeadSegments(folder, owner)) queue.add({ path });
    await aside.look();
  }

  await recover();
  const ageing = every(Math.min(1000, Math.max(20, Number(sealAfter / 4000n))), () => retireAll('old'), log);
  const recovering = every(RECOVER_MILLIS, recover, log);

  return {
    async append(batch) {
      if (isClosed)
        throw new TidemarkError('STORE_UNAVAILABLE', 'Cannot take pushed rows: the log is closed.');
      if (batch.rows.length === 0) return;
      try {
        await segmentsOf(batch).append(batch);
      } catch (error) {
        if (error instanceof TidemarkError) throw error;
        throw new TidemarkError(
          'STORE_UNAVAILABLE',
          `Cannot keep pushed rows of source "${batch.source}" in ${folder}: ${messageOf(error)}. Nothing of this request was kept.`,
          { cause: error },
        );
      }
    },
    unreadable: aside.list,
    async seal() {
      await retireAll('always');
      await queue.drain();
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      clearInterval(ageing);
      clearInterval(recovering);
      await retireAll('always');
      // What cannot be sealed now is found by the next process.
      await queue.drain().catch(() => undefined);
      queue.close();
    },
  };
}

/** One sequence for all logs of the process: with the start time, its numbers name segments. */
let opened = 0;

function every(millis: number, work: () => Promise<void>, log: (line: string) => void): NodeJS.Timeout {
  return setInterval(() => {
    work().catch((error: unknown) => log(`The push log: ${messageOf(error)}`));
  }, millis).unref();
}
