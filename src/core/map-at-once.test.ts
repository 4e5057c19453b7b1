import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mapAtOnce } from './map-at-once.ts';

test('no more than the limit are under way at once, and results stand in the order of the items', async () => {
  let open = 0;
  let most = 0;
  const items = Array.from({ length: 20 }, (_, at) => at);
  const results = await mapAtOnce(items, 4, async (item) => {
    open += 1;
    most = Math.max(most, open);
    await sleep((item * 7) % 5);
    open -= 1;
    return item * 2;
  });
  expect(results).toEqual(items.map((item) => item * 2));
  expect(most).toBe(4);
});

test('after the first failure nothing more is begun', async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    await sleep(item);
    if (item === 1) throw new Error('one');
  };
  await expect(mapAtOnce([1, 5, 9, 10, 11], 2, work)).rejects.toThrow('one');
  await sleep(20);
  expect(begun).toEqual([1, 5]);
});
