import { formatTime, type Micros } from '../core/time.ts';

const QUOTE = 34;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const BACKSLASH = 92;
/** Longer text is left to the runtime: it is faster there than in a loop. */
const SHORT_TEXT = 64;
/** An answer that was larger than this does not keep its memory for the next. */
const KEPT_BYTES = 4 * 1024 * 1024;
const DAY_MICROS = 86_400_000_000;
const FIRST_UNSAFE = 2 ** 53;
const FIRST_WITH_EXPONENT = 1e21;

/**
 * Appends JSON to one growing buffer that is used again and again. An answer of hundreds of entities has tens of
 * thousands of characters of digits, statuses and times: as strings that were joined, then turned into bytes, they
 * took most of a request's time.
 */
export class JsonWriter {
  private bytes: Buffer;
  length = 0;
  private day = Number.NaN;
  private dayText = '';

  constructor(capacity = 64 * 1024) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  /** A copy of what was written; the writer begins anew. */
  finish(): Buffer {
    const written = Buffer.from(this.bytes.subarray(0, this.length));
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafe(64 * 1024);
    return written;
  }

  /** Any text as it is, in UTF-8. */
  text(text: string): void {
    this.reserve(text.length * 3);
    this.length += this.bytes.write(text, this.length, 'utf8');
  }

  /** Short text of ASCII characters as it is. */
  ascii(text: string): void {
    this.reserve(text.length);
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.length = at;
  }

  /** Text in quotes, escaped where it must be. */
  quoted(text: string): void {
    if (text.length > SHORT_TEXT) {
      this.text(JSON.stringify(text));
      return;
    }
    this.reserve(text.length + 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = QUOTE;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < 32 || code > 126 || code === QUOTE || code === BACKSLASH) {
        this.text(JSON.stringify(text));
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.length = at;
  }

  /** A whole number within ±2^53. */
  integer(value: number): void {
    this.reserve(17);
    const { bytes } = this;
    let rest = value;
    if (rest < 0) {
      bytes[this.length++] = MINUS;
      rest = -rest;
    }
    let digits = 1;
    for (let bound = 10; bound <= rest; bound *= 10) digits += 1;
    let at = this.length + digits;
    this.length = at;
    // Beyond 32 bits division is slow: the last nine digits first.
    if (rest >= 1_000_000_000) {
      const high = Math.floor(rest / 1_000_000_000);
      let low = rest - high * 1_000_000_000;
      for (let i = 0; i < 9; i++) {
        const next = (low / 10) | 0;
        bytes[--at] = ZERO + low - next * 10;
        low = next;
      }
      rest = high;
    }
    do {
      const next = (rest / 10) | 0;
      bytes[--at] = ZERO + rest - next * 10;
      rest = next;
    } while (rest > 0);
  }

  bigInteger(value: bigint): void {
    const near = Number(value);
    if (Number.isSafeInteger(near)) this.integer(near);
    else this.ascii(String(value));
  }

  /**
   * Always with a point or an exponent (`1.0`): clients such as Feast's take a number without for an integer, and refuse
   * a list of both. What JSON has no number for becomes "NaN", "Infinity" or "-Infinity".
   */
  float(value: number): void {
    if (Number.isSafeInteger(value)) {
      if (Object.is(value, -0)) this.ascii('-0');
      else this.integer(value);
      this.pointZero();
    } else if (Number.isFinite(value)) {
      this.ascii(String(value));
      // Beyond it they have an exponent, and below 2^53 they are not whole.
      const size = Math.abs(value);
      if (size >= FIRST_UNSAFE && size < FIRST_WITH_EXPONENT) this.pointZero();
    } else this.quoted(String(value));
  }

  private pointZero(): void {
    this.reserve(2);
    this.bytes[this.length++] = POINT;
    this.bytes[this.length++] = ZERO;
  }

  /** As `formatTime` writes it, in quotes. */
  time(time: Micros): void {
    const near = Number(time);
    if (!Number.isSafeInteger(near)) {
      this.quoted(formatTime(time));
      return;
    }
    const day = Math.floor(near / DAY_MICROS);
    if (day !== this.day) {
      this.day = day;
      this.dayText = `"${formatTime((BigInt(day) * BigInt(DAY_MICROS)) as Micros).slice(0, -9)}`;
    }
    this.ascii(this.dayText);
    this.reserve(16);
    const { bytes } = this;
    const micros = near - day * DAY_MICROS;
    const second = Math.floor(micros / 1_000_000);
    let fraction = micros - second * 1_000_000;
    let at = this.length;
    at = twoDigits(bytes, at, (second / 3600) | 0);
    bytes[at++] = 58;
    at = twoDigits(bytes, at, ((second / 60) | 0) % 60);
    bytes[at++] = 58;
    at = twoDigits(bytes, at, second % 60);
    if (fraction > 0) {
      bytes[at++] = POINT;
      for (let unit = 100_000; fraction > 0; unit /= 10) {
        const digit = (fraction / unit) | 0;
        bytes[at++] = ZERO + digit;
        fraction -= digit * unit;
      }
    }
    bytes[at++] = 90;
    bytes[at++] = QUOTE;
    this.length = at;
  }

  /** The text `count` times, with commas between. */
  repeated(text: string, count: number): void {
    if (count === 0) return;
    const unit = text.length + 1;
    this.reserve(unit * count);
    const start = this.length;
    this.ascii(text);
    this.bytes[this.length++] = 44;
    for (let done = 1; done < count; ) {
      const more = Math.min(done, count - done);
      this.bytes.copyWithin(this.length, start, start + more * unit);
      this.length += more * unit;
      done += more;
    }
    this.length -= 1;
  }

  /** Once more what was written from `start` to `end`. */
  again(start: number, end: number): void {
    this.reserve(end - start);
    this.bytes.copyWithin(this.length, start, end);
    this.length += end - start;
  }

  private reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}

function twoDigits(bytes: Buffer, at: number, value: number): number {
  bytes[at] = ZERO + ((value / 10) | 0);
  bytes[at + 1] = ZERO + (value % 10);
  return at + 2;
}
