import { endianness } from 'node:os';

const SIGN = 1;
const MORE = 0x80;
const SHORT = 64;

/** The bits of a 64-bit integer as two numbers: shifting a bigint would allocate, and so do Buffer's own writers. */
const int64 = new BigInt64Array(1);
const halves = new Int32Array(int64.buffer);
const [LOW, HIGH] = endianness() === 'LE' ? ([0, 1] as const) : ([1, 0] as const);

/**
 * Appends to one growing buffer that is used again and again: encoding a row allocates nothing.
 *
 * Integers are written shortest first, so that counts take a byte or two: the first byte holds the sign and six
 * bits, each further byte seven, least significant first. Every integer has exactly one such form.
 */
export class ByteWriter {
  bytes: Buffer;
  length = 0;

  constructor(capacity = 4096) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    const needed = this.length + size;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Room for `size` zero bytes; returns where they start. */
  zeros(size: number): number {
    this.reserve(size);
    const start = this.length;
    const { bytes } = this;
    if (size <= SHORT) for (let i = 0; i < size; i++) bytes[start + i] = 0;
    else bytes.fill(0, start, start + size);
    this.length += size;
    return start;
  }

  /** A whole number within ±2^53. */
  integer(value: number): void {
    this.reserve(9);
    const { bytes } = this;
    let at = this.length;
    const negative = value < 0;
    let rest = negative ? -value - 1 : value;
    let digit = ((rest % 64) << 1) | (negative ? SIGN : 0);
    rest = Math.floor(rest / 64);
    while (rest > 0) {
      bytes[at++] = digit | MORE;
      digit = rest % 128;
      rest = Math.floor(rest / 128);
    }
    bytes[at++] = digit;
    this.length = at;
  }

  /** Any whole number, in the form that `integer` gives it where that can hold it. */
  bigInteger(value: bigint): void {
    const near = Number(value);
    if (Number.isSafeInteger(near)) {
      this.integer(near);
      return;
    }
    const negative = value < 0n;
    let rest = negative ? -value - 1n : value;
    let digit = (Number(rest & 63n) << 1) | (negative ? SIGN : 0);
    rest >>= 6n;
    while (rest > 0n) {
      this.byte(digit | MORE);
      digit = Number(rest & 127n);
      rest >>= 7n;
    }
    this.byte(digit);
  }

  /** 64 bits, high bit flipped: comparing the bytes compares the numbers. */
  orderedInt64(value: bigint): void {
    int64[0] = value;
    this.uint32(((halves[HIGH] ?? 0) ^ 0x8000_0000) >>> 0);
    this.uint32((halves[LOW] ?? 0) >>> 0);
  }

  uint32(value: number): void {
    this.reserve(4);
    const { bytes, length } = this;
    bytes[length] = value >>> 24;
    bytes[length + 1] = value >>> 16;
    bytes[length + 2] = value >>> 8;
    bytes[length + 3] = value;
    this.length = length + 4;
  }

  float32(value: number): void {
    this.reserve(4);
    this.bytes.writeFloatBE(value, this.length);
    this.length += 4;
  }

  float64(value: number): void {
    this.reserve(8);
    this.bytes.writeDoubleBE(value, this.length);
    this.length += 8;
  }

  /** The bytes alone, without their length. */
  raw(source: Uint8Array, start = 0, end = source.length): void {
    this.reserve(end - start);
    const { bytes } = this;
    const size = end - start;
    // A loop is faster than a call into the runtime for what rows and keys usually are.
    if (size <= SHORT) {
      for (let i = 0; i < size; i++) bytes[this.length + i] = source[start + i] as number;
    } else {
      bytes.set(start === 0 && end === source.length ? source : source.subarray(start, end), this.length);
    }
    this.length += size;
  }

  /** The length, then the bytes. */
  blob(source: Uint8Array): void {
    this.integer(source.length);
    this.raw(source);
  }

  /** The length in bytes, then UTF-8. */
  text(value: string): void {
    if (value.length <= SHORT && this.ascii(value)) return;
    const size = Buffer.byteLength(value);
    this.integer(size);
    this.reserve(size);
    this.length += this.bytes.write(value, this.length, size, 'utf8');
  }

  /** Short text in one pass; false, and nothing appended, when there is another sign in it. */
  private ascii(value: string): boolean {
    const size = value.length;
    this.reserve(size + 9);
    const start = this.length;
    this.integer(size);
    const { bytes, length } = this;
    for (let i = 0; i < size; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) {
        this.length = start;
        return false;
      }
      bytes[length + i] = code;
    }
    this.length = length + size;
    return true;
  }
}
