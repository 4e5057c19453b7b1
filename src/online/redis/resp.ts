import type { ByteWriter } from './byte-writer.ts';
import type { BucketKeys } from './key.ts';
import type { Script } from './script.ts';

/** Where the number of arguments goes once it is known; `*` and up to nine digits. */
const HEAD_BYTES = 12;
const CRLF = Buffer.from('\r\n');
const BULK_HEADS = Array.from({ length: 512 }, (_, size) => Buffer.from(`$${size}\r\n`));
const HGET = Buffer.from('*3\r\n$4\r\nHGET\r\n');

/** Appends one command that asks for a row of a bucket, by the bytes of its field. */
export function appendHget(
  writer: ByteWriter,
  keys: BucketKeys,
  bucket: number,
  fields: Buffer,
  start: number,
  end: number,
): void {
  writer.raw(HGET);
  appendBucket(writer, keys, bucket);
  appendBytes(writer, fields, start, end);
}

/**
 * Builds the bytes of one script call in a writer that is used again and again. A client's own way, from an array
 * of thousands of small buffers, was half as fast.
 */
export class ScriptCall {
  private readonly writer: ByteWriter;
  /** How many keys follow the first one, which only tells the node; null once that is said, or has not to be. */
  private keysToCome: number | null = null;
  private count = 0;

  constructor(writer: ByteWriter, script: Script, keys: number) {
    this.writer = writer;
    writer.length = HEAD_BYTES;
    this.text('EVALSHA');
    this.text(script.sha);
    if (script.isSpread) {
      this.text('1');
      this.keysToCome = keys;
    } else this.text(String(keys));
  }

  /** ASCII only. */
  text(value: string): void {
    const at = appendRoom(this.writer, value.length);
    this.writer.bytes.write(value, at, 'latin1');
    this.writer.raw(CRLF);
    this.count++;
  }

  bytes(source: Buffer, start: number, end: number): void {
    appendBytes(this.writer, source, start, end);
    this.count++;
  }

  bucket(keys: BucketKeys, bucket: number): void {
    if (this.keysToCome !== null) {
      const count = this.keysToCome;
      this.keysToCome = null;
      this.bucket(keys, bucket);
      this.text(String(count));
    }
    appendBucket(this.writer, keys, bucket);
    this.count++;
  }

  /** A copy of the call's bytes; the writer is free again. */
  finish(): Buffer {
    const head = Buffer.from(`*${this.count}\r\n`);
    const start = HEAD_BYTES - head.length;
    head.copy(this.writer.bytes, start);
    return Buffer.from(this.writer.bytes.subarray(start, this.writer.length));
  }
}

function appendBytes(writer: ByteWriter, source: Buffer, start: number, end: number): void {
  appendHead(writer, end - start);
  writer.raw(source, start, end);
  writer.raw(CRLF);
}

function appendBucket(writer: ByteWriter, keys: BucketKeys, bucket: number): void {
  const at = appendRoom(writer, keys.length);
  keys.writeAt(bucket, writer.bytes, at);
  writer.raw(CRLF);
}

/** Room for an argument that is filled in; returns where it starts. */
function appendRoom(writer: ByteWriter, size: number): number {
  appendHead(writer, size);
  writer.reserve(size);
  const at = writer.length;
  writer.length += size;
  return at;
}

function appendHead(writer: ByteWriter, size: number): void {
  writer.raw(BULK_HEADS[size] ?? Buffer.from(`$${size}\r\n`));
}
