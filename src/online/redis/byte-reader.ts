const MORE = 0x80;

/** Reads what `ByteWriter` wrote. Throws RangeError where the bytes end too early. */
export class ByteReader {
  bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new RangeError('the bytes end too early');
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
    const value = this.bytes.readBigUInt64BE(this.at) ^ 0x8000_0000_0000_0000n;
    this.at += 8;
    return BigInt.asIntN(64, value);
  }

  uint32(): number {
    const value = this.bytes.readUInt32BE(this.at);
    this.at += 4;
    return value;
  }

  float32(): number {
    const value = this.bytes.readFloatBE(this.at);
    this.at += 4;
    return value;
  }

  float64(): number {
    const value = this.bytes.readDoubleBE(this.at);
    this.at += 8;
    return value;
  }

  /** A view on the bytes, for whoever copies it. */
  view(size: number): Buffer {
    const end = this.at + size;
    if (size < 0 || end > this.bytes.length) throw new RangeError('the bytes end too early');
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  /** A copy: the buffer of a reply is shared by all its rows, and one kept value would keep all of it. */
  blob(): Uint8Array {
    return new Uint8Array(this.view(this.integer()));
  }

  text(): string {
    const size = this.integer();
    const end = this.at + size;
    if (size < 0 || end > this.bytes.length) throw new RangeError('the bytes end too early');
    const value = this.bytes.toString('utf8', this.at, end);
    this.at = end;
    return value;
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
