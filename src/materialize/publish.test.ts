import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { batchView, fileSource } from '../../test/support/offline-case.ts';
import type { FeatureRow } from '../core/rows.ts';
import { micros } from '../core/time.ts';
import type { FeatureReader } from '../offline/feature-reader.ts';
import { createMemoryOnlineStore } from '../online/memory/memory-online-store.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { publish } from './publish.ts';

const view = batchView(fileSource({ path: 'unused' }), { kind: 'passthrough' }, [['v', 'int64']], {
  joinKeys: [{ name: 'user_id', type: 'int64' }],
});
const row = (id: bigint): FeatureRow => ({
  key: [id],
  values: [id],
  eventTime: micros(1n),
  createdTime: micros(1n),
  revision: 0,
});

/** A store whose writes take a while, and what it was doing. */
function slowStore(fail = false) {
  const seen = { writing: 0, most: 0 };
  const store = createMemoryOnlineStore();
  const online: OnlineStore = {
    ...store,
    async write(table, rows) {
      seen.writing += 1;
      seen.most = Math.max(seen.most, seen.writing);
      await sleep(20);
      seen.writing -= 1;
      if (fail) throw new Error('the store is full');
      return store.write(table, rows);
    },
  };
  return { online, seen };
}

function publishing(online: OnlineStore, latest: FeatureReader['latest']) {
  const reader = { latest, withdrawn: latest as unknown as FeatureReader['withdrawn'] };
  const request = { project: 'p', view, slices: [{ path: 'a.parquet', revision: 0 }] };
  return publish(request, { reader, online, clock: () => micros(2n) });
}

test('the next rows are read while the store writes, one batch at a time, and all are counted', async () => {
  const { online, seen } = slowStore();
  const readWhileWriting: boolean[] = [];
  const result = await publishing(online, async function* latest() {
    for (const id of [1n, 2n, 2n]) {
      readWhileWriting.push(seen.writing === 1);
      yield [row(id)];
    }
  });
  expect(result).toEqual({ published: 3, written: 2 });
  expect(readWhileWriting).toEqual([false, true, true]);
  expect(seen.most).toBe(1);
});

test('rows are asked for in the order of the places where the store keeps them', async () => {
  const online: OnlineStore = {
    ...createMemoryOnlineStore(),
    placeOf:
      (table) =>
      ([id]) =>
        table.view === view.name ? Number(id) % 7 : -1,
  };
  const asked: unknown[] = [];
  for (const store of [online, createMemoryOnlineStore()]) {
    await publishing(store, async function* latest({ placeOf }) {
      asked.push(placeOf?.([10n]));
      yield [row(1n)];
    });
  }
  expect(asked).toEqual([3, undefined]);
});

test('nothing is left under way when reading fails', async () => {
  const { online, seen } = slowStore();
  const failing = publishing(online, async function* latest() {
    yield [row(1n)];
    throw new Error('the file is broken');
  });
  await expect(failing).rejects.toThrow('the file is broken');
  expect(seen).toEqual({ writing: 0, most: 1 });
});

test('a store that fails ends the reading', async () => {
  let closed = false;
  const failing = publishing(slowStore(true).online, async function* latest() {
    try {
      for (;;) yield [row(1n)];
    } finally {
      closed = true;
    }
  });
  await expect(failing).rejects.toThrow('the store is full');
  expect(closed).toBe(true);
});
