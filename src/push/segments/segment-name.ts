import { hostname } from 'node:os';
import { type Micros, micros } from '../../core/time.ts';

/** Who writes a segment. Process ids are used again, also on one host: the start time tells processes apart. */
export interface SegmentOwner {
  readonly host: string;
  readonly pid: number;
  /** In microseconds since 1970. */
  readonly startedAt: Micros;
}

export interface SegmentName {
  readonly openedAt: Micros;
  /** Counts the segments of one process. */
  readonly number: number;
  readonly owner: SegmentOwner;
}

const NAME = /^(\d+)-(\d+)\.(\d+)-(\d+)\.([A-Za-z0-9._-]+)\.segment$/;

export function thisProcess(): SegmentOwner {
  return {
    host: hostname().replaceAll(/[^A-Za-z0-9._-]/g, '_') || 'localhost',
    pid: process.pid,
    startedAt: micros(BigInt(Math.trunc(performance.timeOrigin * 1000))),
  };
}

/** `<opened>-<number>.<pid>-<started>.<host>.segment`: unique on all hosts, and in the order of time. */
export function segmentFileName({ openedAt, number, owner }: SegmentName): string {
  return `${openedAt}-${number}.${owner.pid}-${owner.startedAt}.${owner.host}.segment`;
}

/** Undefined for a file that is none of ours. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, openedAt = '', number = '', pid = '', startedAt = '', host = ''] = match;
  return {
    openedAt: micros(BigInt(openedAt)),
    number: Number(number),
    owner: { host, pid: Number(pid), startedAt: micros(BigInt(startedAt)) },
  };
}

/** Nobody else writes a segment for so long: it is sealed long before. */
const ABANDONED_AFTER_MILLIS = 600_000;

/**
 * Whether nobody will append to the segment any more: its process is gone, or has not touched it for ten minutes,
 * which is what can be seen of another host (a container that was started anew has another name).
 */
export function isDead(owner: SegmentOwner, me: SegmentOwner, untouchedMillis: number): boolean {
  const isMine = owner.host === me.host && owner.pid === me.pid && owner.startedAt === me.startedAt;
  if (isMine) return false;
  if (untouchedMillis > ABANDONED_AFTER_MILLIS) return true;
  if (owner.host !== me.host) return false;
  return owner.pid === me.pid || !isAlive(owner.pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
