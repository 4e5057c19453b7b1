import type { PushedSource } from './pushed-files.ts';

/** A segment of pushed rows that was set aside, for its rows could not be made a file; it stays as it was. */
export interface UnreadableSegment extends PushedSource {
  readonly host: string;
  /** Absolute, on that host. */
  readonly path: string;
  readonly bytes: number;
  /** A clause; null when another process has set it aside. */
  readonly reason: string | null;
}

/** The record of segments that were set aside, on whichever host they lie: for those who look from elsewhere. */
export interface UnreadableSegments {
  /** These are all of one log, which is known by an id of its own; those that it had before and are gone are forgotten. */
  note(log: string, segments: readonly UnreadableSegment[]): Promise<void>;
  /** Without those whose log has not told of them for a week: it is gone, and they with it. */
  of(project: string): Promise<readonly UnreadableSegment[]>;
}

/** What has happened and what to do, for people. */
export function unreadableText({ source, host, path, bytes, reason }: UnreadableSegment): string {
  return (
    `Pushed rows of source "${source}" cannot be read (${reason ?? 'the log of that server says why'}), and are in no file: ` +
    `${path} on ${host}, ${bytes.toLocaleString('en-US')} bytes. It is kept. Push these rows again and remove it; or take ` +
    `out the lines that are not as they were written, rename it to end with .segment, and start the server again.`
  );
}
