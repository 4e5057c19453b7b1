import { messageOf } from '../../core/errors.ts';

/** What kind of failure a DuckDB error tells, by the class its message begins with. */
export type FailureKind =
  | 'interrupted'
  /** Memory or the disk for spilling is used up. */
  | 'memory'
  /** A file is missing, cannot be opened, or is not what it should be. */
  | 'file'
  /** The text is not SQL. */
  | 'parser'
  /** The SQL names what is not there, or combines types that do not fit. */
  | 'binder'
  /** A value does not fit the type it is cast to. */
  | 'conversion'
  | 'other';

/** Raised by our own SQL (`wholeNumbersSql`): DuckDB's `error` is of one class for all. */
const NO_WHOLE_NUMBER = /^Invalid Input Error: column ".*" of .* has ".*", which is no \w/s;

/** Raised by `pushedCast`. */
const NOT_AS_PUSHED =
  /^Invalid Input Error: column ".*" of push source ".*" has .* in rows that were pushed/s;

/** Also what Thrift, which Parquet's footers are written in, says of bytes that are not. */
const NO_SUCH_FORMAT =
  /magic bytes|parquet|CSV|too small to be|Malformed JSON|don't know what type|TProtocolException|decompress/i;

export function failureKind(error: unknown): FailureKind {
  const message = messageOf(error);
  if (/^INTERRUPT/.test(message)) return 'interrupted';
  if (/^Out of Memory Error|failed to offload|No space left on device/i.test(message)) return 'memory';
  if (NO_WHOLE_NUMBER.test(message) || NOT_AS_PUSHED.test(message)) return 'conversion';
  if (/^(IO|HTTP|Permission) Error/.test(message)) return 'file';
  if (/^Invalid/.test(message) && NO_SUCH_FORMAT.test(message)) return 'file';
  if (/^(Parser|Syntax) Error/.test(message)) return 'parser';
  if (/^(Binder|Catalog|Not implemented) Error/.test(message)) return 'binder';
  if (/^(Conversion|Out of Range) Error/.test(message)) return 'conversion';
  return 'other';
}

/** Answers that the same request gets again; 400 is also S3's word for a request that took too long. */
const REFUSED = /^(HTTP|IO) Error: .*\bHTTP (401|403|404|405|410|416)\b/s;

/**
 * Whether waiting heals nothing: what is there is not what it should be, or is not there. All else (the network, a
 * server that is busy, a disk that fails) may be different the next time.
 */
export function isLasting(error: unknown): boolean {
  const message = messageOf(error);
  switch (failureKind(error)) {
    case 'interrupted':
    case 'memory':
      return false;
    case 'parser':
    case 'binder':
    case 'conversion':
      return true;
    default:
      return (
        /^(Invalid( Input)?|Permission) Error/.test(message) ||
        /^IO Error: (No files found|Cannot open file .*(No such file|Permission denied|Is a directory))/s.test(
          message,
        ) ||
        REFUSED.test(message)
      );
  }
}

/**
 * DuckDB's own sentence as a clause: its first line, without its class and without a full stop. Of CSV that is only
 * where something is wrong; what it is stands further down, before what DuckDB would have one do.
 */
export function duckDbReason(error: unknown): string {
  const message = messageOf(error);
  const [first = ''] = message.split('\n');
  const reason = withoutStop(first.replace(/^(INTERRUPT Error|[A-Z][\w ]* Error): /, ''));
  const line = /^CSV Error on Line: (\d+)$/.exec(reason)?.[1];
  const what = /\n(?!Original Line)([^\n]+)\n+(?:Possible|Column )/.exec(message)?.[1];
  if (line === undefined || what === undefined) return reason;
  const file = /^ {2}file = (.+)$/m.exec(message)?.[1];
  return `${withoutStop(what)} (line ${line}${file === undefined ? '' : ` of ${file}`})`;
}

function withoutStop(sentence: string): string {
  return sentence.replace(/[.!:\s]+$/, '');
}
