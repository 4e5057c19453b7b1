import { expect, test } from 'vitest';
import { readSlots, SLOT_OF_BUCKET } from './cluster-slots.ts';

test('buckets lie in the slots that the cluster specification gives for their tags', () => {
  // CLUSTER KEYSLOT of {0000}, {0001}, {7fff}, {ffff}.
  expect([0, 1, 0x7fff, 0xffff].map((bucket) => SLOT_OF_BUCKET[bucket])).toEqual([
    6794, 2731, 14_819, 14_956,
  ]);
});

test('buckets are spread over the slots, so that any third of them holds about a third', () => {
  const share = SLOT_OF_BUCKET.filter((slot) => slot < 16_384 / 3).length / SLOT_OF_BUCKET.length;
  expect(share).toBeCloseTo(1 / 3, 1);
});

test('the slots of a cluster are read with the primaries that hold them', () => {
  const reply = [
    [0, 8191, ['10.0.0.1', 6379, 'id-1', []], ['10.0.0.2', 6379, 'id-2', []]],
    [8192, 16_383, ['', 6380, 'id-3', []]],
  ];
  expect(readSlots(reply, 'redis.example.com')).toEqual([
    { first: 0, last: 8191, host: '10.0.0.1', port: 6379 },
    { first: 8192, last: 16_383, host: 'redis.example.com', port: 6380 },
  ]);
});

test('a cluster that lacks a slot is not whole', () => {
  expect(readSlots([[0, 16_382, ['10.0.0.1', 6379]]], 'x')).toBeUndefined();
  expect(readSlots([], 'x')).toBeUndefined();
  expect(readSlots('PONG', 'x')).toBeUndefined();
});
