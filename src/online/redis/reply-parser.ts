/** Told of each reply in turn; what it throws is the caller's of `write`. */
export interface ReplySink {
  /** The value's bytes in a buffer that is used for others too; `start` is −1 for nil. Copy what is kept. */
  value(bytes: Buffer, start: number, end: number): void;
  /** The server refused the command. */
  error(message: string): void;
}

const NOTHING = Buffer.alloc(0);
const DOLLAR = 36;
const MINUS = 45;
const PLUS = 43;
const COLON = 58;
const CR = 13;

/**
 * Takes replies apart as they arrive, without an object for each: a request reads hundreds of small rows, and a
 * general client's buffer and promise for each of them took longer than the server. Knows what HGET and PING are
 * answered with (bulk and simple strings, integers, nil, errors); anything else throws RangeError.
 */
export class ReplyParser {
  private rest: Buffer = NOTHING;
  private readonly sink: ReplySink;

  constructor(sink: ReplySink) {
    this.sink = sink;
  }

  write(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    while (at < bytes.length) {
      const next = this.reply(bytes, at);
      if (next === -1) break;
      at = next;
    }
    this.rest = at === bytes.length ? NOTHING : bytes.subarray(at);
  }

  /** Where the next reply begins; −1 when this one has not arrived whole. */
  private reply(bytes: Buffer, start: number): number {
    const kind = bytes[start];
    if (kind === DOLLAR) return this.bulk(bytes, start + 1);
    const end = bytes.indexOf(CR, start);
    if (end === -1 || end + 2 > bytes.length) return -1;
    if (kind === MINUS) this.sink.error(bytes.toString('utf8', start + 1, end));
    else if (kind === PLUS || kind === COLON) this.sink.value(bytes, start + 1, end);
    else throw new RangeError(`a reply of the kind "${String.fromCharCode(kind ?? 0)}" was not asked for`);
    return end + 2;
  }

  private bulk(bytes: Buffer, start: number): number {
    let at = start;
    if (bytes[at] === MINUS) {
      if (at + 4 > bytes.length) return -1;
      this.sink.value(bytes, -1, -1);
      return at + 4;
    }
    let size = 0;
    for (; at < bytes.length; at++) {
      const digit = bytes[at] ?? 0;
      if (digit === CR) {
        const from = at + 2;
        const end = from + size;
        if (end + 2 > bytes.length) return -1;
        this.sink.value(bytes, from, end);
        return end + 2;
      }
      size = size * 10 + digit - 48;
    }
    return -1;
  }
}
