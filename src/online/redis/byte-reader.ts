const MORE = 0x80;
const NOTHING = Buffer.alloc(0);
/** Text so short is read faster in a loop than by a call into the runtime. */
const SHORT_TEXT = 8;

/** Reads what `ByteWriter` wrote. Throws RangeError where the bytes end too early. */
export class ByteReader {
  bytes: Buffer;
  at: number;
  /** What lies beyond belongs to somebody else. */
  private end: number;
  private lastTime = 0;
  private lastTimeBig = 0n;

  constructor(bytes: Buffer = NOTHING, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Begins anew on other bytes: one reader serves hundreds of rows. */
  open(bytes: Buffer, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Lets go of the bytes, which may be a large buffer that nobody else holds any more. */
  close(): void {
    this.open(NOTHING, 0, 0);
  }

  get isAtEnd(): boolean {
    return this.at === this.end;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined || this.at > this.end) throw new RangeError('the bytes end too early');
    return value;
  }

  /** Throws RangeError for what is not within ±2^53. */
  integer(): number {
    const start = this.at;
    const value = this.shortInteger();
    if (value !== undefined) return value;
    this.at = start;
    throw new RangeError('an integer is too large');
  }

  bigInteger(): bigint {
    const start = this.at;
    const value = this.shortInteger();
    if (value !== undefined) return BigInt(value);
    this.at = start;
    return this.longInteger();
  }

  orderedInt64(): bigint {
    const at = this.take(8);
    const high = this.bytes.readInt32BE(at) ^ 0x8000_0000;
    const value = high * 2 ** 32 + this.bytes.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) {
      return BigInt.asIntN(64, this.bytes.readBigUInt64BE(at) ^ 0x8000_0000_0000_0000n);
    }
    // The rows of a batch mostly share their times.
    if (value !== this.lastTime) {
      this.lastTime = value;
      this.lastTimeBig = BigInt(value);
    }
    return this.lastTimeBig;
  }

  uint32(): number {
    return this.bytes.readUInt32BE(this.take(4));
  }

  float32(): number {
    return this.bytes.readFloatBE(this.take(4));
  }

  float64(): number {
    return this.bytes.readDoubleBE(this.take(8));
  }

  /** A view on the bytes, for whoever copies it. */
  view(size: number): Buffer {
    const at = this.take(size);
    return this.bytes.subarray(at, at + size);
  }

  /** A copy: the buffer of a reply is shared by all its rows, and one kept value would keep all of it. */
  blob(): Uint8Array {
    return new Uint8Array(this.view(this.integer()));
  }

  text(): string {
    const size = this.integer();
    const at = this.take(size);
    if (size > SHORT_TEXT) return this.bytes.toString('utf8', at, at + size);
    let text = '';
    for (let i = at; i < at + size; i++) {
      const code = this.bytes[i] ?? 0;
      if (code > 127) return this.bytes.toString('utf8', at, at + size);
      text += String.fromCharCode(code);
    }
    return text;
  }

  /** Steps over `size` bytes; returns where they start. */
  take(size: number): number {
    const at = this.at;
    if (size < 0 || at + size > this.end) throw new RangeError('the bytes end too early');
    this.at = at + size;
    return at;
  }

  /** Undefined when a number cannot hold it exactly. */
  private shortInteger(): number | undefined {
    let digit = this.byte();
    const negative = (digit & 1) === 1;
    let value = (digit >> 1) & 63;
    let unit = 64;
    while (digit >= MORE) {
      digit = this.byte();
      // 48 bits are read: five more fit.
      if (unit > 2 ** 47 && digit >= 32) return undefined;
      value += (digit & 127) * unit;
      unit *= 128;
    }
    return negative ? -value - 1 : value;
  }

  private longInteger(): bigint {
    let digit = this.byte();
    const negative = (digit & 1) === 1;
    let value = BigInt((digit >> 1) & 63);
    let shift = 6n;
    while (digit >= MORE) {
      digit = this.byte();
      value |= BigInt(digit & 127) << shift;
      shift += 7n;
      if (shift > 80n) throw new RangeError('an integer is too large');
    }
    return negative ? -value - 1n : value;
  }
}
