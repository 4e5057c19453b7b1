import type { FeatureRow } from '../core/rows.ts';
import type { Value } from '../core/value-type.ts';

/**
 * What a row may take that is stored online, unless told otherwise. Whoever reads an entity waits for all of its row,
 * and so do those whose reads come after it: a few megabytes hold all of them up.
 */
export const MAX_ROW_BYTES = 1024 * 1024;

/** A header, and what says which values are null. */
const ROW_BYTES = 64;
/** The longest number, or the length of something longer. */
const NUMBER_BYTES = 10;

/** What a row takes in a store at most: its key and values with their lengths, text as UTF-8. */
export function rowBytes({ key, values }: Pick<FeatureRow, 'key' | 'values'>): number {
  return ROW_BYTES + valueBytes(key) + valueBytes(values);
}

export function valueBytes(value: Value): number {
  if (typeof value === 'string') return NUMBER_BYTES + utf8Bytes(value);
  if (typeof value !== 'object' || value === null) return NUMBER_BYTES;
  if (value instanceof Uint8Array || value instanceof Float32Array) return NUMBER_BYTES + value.byteLength;
  return value.reduce<number>((sum, item) => sum + valueBytes(item) + 1, NUMBER_BYTES);
}

function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // Half of a surrogate pair stands for two of its four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

/** As errors say it. */
export function rowLimit(limit: number): string {
  return `${limit.toLocaleString('en-US')} bytes (TIDEMARK_ROW_MAX_BYTES)`;
}
