import { Readable } from 'node:stream';

/** More of a body than that is not read for the sake of its answer. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Of a body that comes as fast as it can be sent so much has come by then; closing waits longer for others. */
const LONGEST_MILLIS = 10_000;

/** How long the rest of a refused body is waited for. */
export interface Lingering {
  /** Default 64 MiB. */
  readonly mostBytes?: number;
  /** Default 10,000. */
  readonly longestMillis?: number;
}

/**
 * The text of an answer with which the connection ends, though its request is still being sent: it goes out at once, and
 * ends when the rest of the request has come, and was thrown away. A connection that is ended before would be reset
 * by the system, and who still sends would see that in place of the answer.
 */
export function lingeringAnswer(
  request: Readable,
  text: string,
  { mostBytes = MOST_BYTES, longestMillis = LONGEST_MILLIS }: Lingering = {},
): Readable {
  const answer = new Readable({ read() {} });
  const end = () => {
    clearTimeout(timer);
    request.off('data', count);
    if (!answer.destroyed) answer.push(null);
  };
  const timer = setTimeout(end, longestMillis);
  let bytes = 0;
  const count = (part: Buffer) => {
    bytes += part.length;
    if (bytes > mostBytes) end();
  };
  answer.push(text);
  answer.once('close', end);
  // Nobody else reads it any more, and who hangs up meanwhile ends it as well.
  request.unpipe().on('data', count).once('end', end).once('error', end).once('close', end).resume();
  return answer;
}
