import { BUCKETS } from './key.ts';

/** A node of a cluster and the slots (both ends included) whose rows it holds. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly host: string;
  readonly port: number;
}

const SLOTS = 16_384;

/** The slot of each bucket, by the four hexadecimal digits that stand in braces in its key (see `bucketKeys`). */
export const SLOT_OF_BUCKET: Uint16Array = slotsOfBuckets();

function slotsOfBuckets(): Uint16Array {
  const slots = new Uint16Array(BUCKETS);
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    slots[bucket] = slotOf(bucket.toString(16).padStart(4, '0'));
  }
  return slots;
}

/** CRC-16 (XMODEM), as the cluster specification has it. */
function slotOf(tag: string): number {
  let crc = 0;
  for (let i = 0; i < tag.length; i++) {
    crc ^= tag.charCodeAt(i) << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return crc % SLOTS;
}

/**
 * What a node answers to CLUSTER SLOTS: the primaries. A node that does not know its own name is called as it was
 * reached. Undefined when slots are held by nobody: the cluster is not whole now.
 */
export function readSlots(reply: unknown, reachedAs: string): readonly SlotRange[] | undefined {
  if (!Array.isArray(reply)) return undefined;
  const ranges = reply.map((entry: unknown): SlotRange => {
    const [first, last, primary] = entry as [unknown, unknown, [unknown, unknown]];
    const host =
      primary[0] === null || primary[0] === '' || primary[0] === '?' ? reachedAs : String(primary[0]);
    return { first: Number(first), last: Number(last), host, port: Number(primary[1]) };
  });
  const held = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return held === SLOTS ? ranges : undefined;
}
