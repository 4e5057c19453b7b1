import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareRecency } from '../../src/core/newer.ts';
import type { FeatureRow } from '../../src/core/rows.ts';
import { micros } from '../../src/core/time.ts';
import type { KeyType, KeyValue } from '../../src/core/value-type.ts';
import type { OnlineStore, OnlineTable } from '../../src/online/online-store.ts';
import { ByteWriter } from '../../src/online/redis/byte-writer.ts';
import { entityKeyCodec } from '../../src/online/redis/key.ts';
import { anyKeys, anyTypedValue, featureRow, onlineTable } from './online-rows.ts';

/** Entities that the store on Redis keeps in one bucket. */
function inOnePlace(count: number): readonly bigint[] {
  const codec = entityKeyCodec('view', ['int64']);
  const writer = new ByteWriter(16);
  const ids: bigint[] = [];
  for (let id = 0n; ids.length < count; id += 16n) {
    writer.length = 0;
    if (codec.encode(writer, [id]) === 7) ids.push(...Array.from({ length: 16 }, (_, i) => id + BigInt(i)));
  }
  return ids.slice(0, count);
}

/** What every online store keeps (see the invariants on its port). */
export function onlineStoreConformance(name: string, make: () => Promise<OnlineStore>): void {
  describe(`the online store, ${name}`, () => {
    let store: OnlineStore;
    beforeAll(async () => {
      store = await make();
    });
    afterAll(() => store.close());

    async function readOne(table: OnlineTable, key: readonly KeyValue[]): Promise<FeatureRow | undefined> {
      const [[row] = []] = await store.read([{ table, keys: [key] }]);
      return row;
    }

    async function scanAll(table: OnlineTable): Promise<readonly FeatureRow[]> {
      const rows: FeatureRow[] = [];
      for await (const batch of store.scan(table)) rows.push(...batch);
      return rows;
    }

    describe('which row lands', () => {
      it('keeps the newest row of each entity, in whatever order and batches rows are written', async () => {
        // Few times apart by one in each part of 64 bits, so that ties and borders of comparison are frequent.
        const time = fc.constantFrom(
          -(2n ** 63n),
          -1n,
          0n,
          1n,
          2n ** 32n - 1n,
          2n ** 32n,
          1_700_000_000_000_001n,
          2n ** 63n - 1n,
        );
        const rows = fc.array(
          fc.record({
            id: fc.bigInt({ min: 0n, max: 3n }),
            event: time,
            created: time,
            revision: fc.constantFrom(0, 1, 255, 256, 2 ** 32 - 1),
          }),
          { minLength: 1, maxLength: 12 },
        );
        await fc.assert(
          fc.asyncProperty(
            rows.chain((list) =>
              fc.tuple(
                fc.constant(list),
                fc.shuffledSubarray(list, { minLength: list.length }),
                fc.integer({ min: 1, max: 12 }),
              ),
            ),
            async ([list, shuffled, batch]) => {
              const rowOf = (item: (typeof list)[number]) =>
                featureRow([item.id], [item.event ^ item.created ^ BigInt(item.revision)], item);
              const table = onlineTable();
              const pieces = [];
              for (let i = 0; i < shuffled.length; i += batch)
                pieces.push(shuffled.slice(i, i + batch).map(rowOf));
              await Promise.all(pieces.map((piece) => store.write(table, piece)));
              for (const id of new Set(list.map((item) => item.id))) {
                const expected = list
                  .filter((item) => item.id === id)
                  .map(rowOf)
                  .reduce((a, b) => (compareRecency(b, a) > 0 ? b : a));
                expect(await readOne(table, [id])).toEqual(expected);
              }
            },
          ),
          { numRuns: 60 },
        );
      });

      it('compares each of many rows that it keeps in one place with what is there of it', async () => {
        const table = onlineTable();
        const ids = inOnePlace(200);
        const at = (id: bigint, event: number) => featureRow([id], [BigInt(event)], { event: BigInt(event) });
        const before = ids.map((id, i) => at(id, i % 3));
        expect(await store.write(table, before.slice(0, 150))).toEqual({ written: 150, unchanged: 0 });
        // 50 are newer, 50 equal, 50 older and 50 new; and one comes twice in the same write.
        const after = ids.map((id) => at(id, 1));
        const again = at(ids[0] ?? 0n, 5);
        expect(await store.write(table, [...after, again])).toEqual({ written: 101, unchanged: 100 });
        const [found = []] = await store.read([{ table, keys: ids.map((id) => [id]) }]);
        const expected = ids.map((id, i) => at(id, i >= 150 ? 1 : Math.max(1, i % 3)));
        expect(found).toEqual([again, ...expected.slice(1)]);
      });

      it('takes a row that is equal to the stored one for a success that changes nothing', async () => {
        const table = onlineTable();
        const row = featureRow([1n], [10n]);
        expect(await store.write(table, [row])).toEqual({ written: 1, unchanged: 0 });
        expect(await store.write(table, [{ ...row, values: [99n] }])).toEqual({ written: 0, unchanged: 1 });
        expect(await readOne(table, [1n])).toEqual(row);
      });

      it.each([
        ['created time', { event: 100n, created: 201n, revision: 0 }],
        ['revision', { event: 100n, created: 200n, revision: 1 }],
      ])('lets a correction land that has the same event time and a later %s', async (_part, recency) => {
        const table = onlineTable();
        await store.write(table, [featureRow([1n], [10n], { event: 100n, created: 200n, revision: 0 })]);
        const correction = featureRow([1n], [11n], recency);
        expect(await store.write(table, [correction])).toEqual({ written: 1, unchanged: 0 });
        expect(await readOne(table, [1n])).toEqual(correction);
      });

      it('withdraws a row only while exactly that one is stored, and once', async () => {
        const table = onlineTable({ ttl: (400n * 86_400_000_000n) as NonNullable<OnlineTable['ttl']> });
        const event = BigInt(Date.now()) * 1000n;
        const at = (id: bigint, value: bigint, parts: object) =>
          featureRow([id], [value], { event, ...parts });
        const stored = [1n, 2n, 3n, 4n].map((id) => at(id, id, { created: event + 9n, revision: 2 }));
        await store.write(table, stored);
        const { eventTime, createdTime } = stored[0] ?? at(1n, 1n, {});
        const was = { eventTime, createdTime, revision: 2 };
        const older = at(1n, 10n, { event: event - 5n });
        const lower = at(3n, 30n, { created: event, revision: 3 });
        const withdrawals = [
          { key: [1n], was, instead: older },
          { key: [2n], was, instead: undefined },
          { key: [3n], was, instead: lower },
          { key: [4n], was: { ...was, revision: 1 }, instead: undefined },
          { key: [5n], was, instead: at(5n, 50n, {}) },
        ];
        expect(await store.withdraw(table, withdrawals)).toBe(3);
        const expected = [older, undefined, lower, stored[3], undefined];
        const keys = [[1n], [2n], [3n], [4n], [5n]];
        expect(await store.read([{ table, keys }])).toEqual([expected]);
        expect(await store.withdraw(table, withdrawals)).toBe(0);
        expect(await store.read([{ table, keys }])).toEqual([expected]);
      });

      it('never lets an old backfill overwrite, however late it was created and often restated', async () => {
        const table = onlineTable();
        const current = featureRow([1n], [10n], { event: 100n, created: 100n });
        await store.write(table, [current]);
        const old = featureRow([1n], [9n], { event: 99n, created: 10_000n, revision: 7 });
        expect(await store.write(table, [old])).toEqual({ written: 0, unchanged: 1 });
        expect(await readOne(table, [1n])).toEqual(current);
      });

      it('keeps the newest of several rows of one entity in one write, first or last', async () => {
        const table = onlineTable();
        const at = (id: bigint, event: bigint) => featureRow([id], [event], { event });
        const result = await store.write(table, [
          at(1n, 3n),
          at(2n, 1n),
          at(1n, 1n),
          at(2n, 3n),
          at(1n, 2n),
          at(2n, 2n),
        ]);
        expect(result).toEqual({ written: 3, unchanged: 3 });
        const [rows] = await store.read([{ table, keys: [[1n], [2n]] }]);
        expect(rows?.map((row) => row?.values)).toEqual([[3n], [3n]]);
      });

      it('ends with the newest rows when two writers write at once', async () => {
        const table = onlineTable();
        const rows = (event: bigint) =>
          Array.from({ length: 3000 }, (_, i) =>
            featureRow([BigInt(i)], [event], { event: event + BigInt(i % 2) }),
          );
        const other = await make();
        try {
          // Another connection to the same rows, where there is such a thing.
          const probe = onlineTable();
          await store.write(probe, [featureRow([1n], [1n])]);
          const [[shared] = []] = await other.read([{ table: probe, keys: [[1n]] }]);
          const second = shared === undefined ? store : other;
          const results = await Promise.all([
            store.write(table, rows(10n)),
            second.write(table, rows(11n)),
            store.write(table, rows(10n).reverse()),
          ]);
          expect(results.map((result) => result.written + result.unchanged)).toEqual([3000, 3000, 3000]);
        } finally {
          await other.close();
        }
        const stored = await scanAll(table);
        expect(stored).toHaveLength(3000);
        expect(stored.every((row) => row.values[0] === 11n)).toBe(true);
      });

      it('has nothing to do for an empty write', async () => {
        expect(await store.write(onlineTable(), [])).toEqual({ written: 0, unchanged: 0 });
      });
    });

    describe('whose row it is', () => {
      const long = 'k'.repeat(100_000);
      const CASES: readonly (readonly [string, readonly KeyType[], readonly (readonly KeyValue[])[]])[] = [
        [
          'adjacent integer and string',
          ['int64', 'string'],
          [
            [1n, '23'],
            [12n, '3'],
            [123n, ''],
            [1n, '2'],
            [1n, '3'],
          ],
        ],
        [
          'adjacent strings',
          ['string', 'string'],
          [
            ['a', ''],
            ['', 'a'],
            ['a', 'a'],
            ['', ''],
            ['aa', ''],
          ],
        ],
        [
          'separators',
          ['string', 'string'],
          [
            ['a:b', 'c'],
            ['a', 'b:c'],
            ['a\0b', 'c'],
            ['a', '\0b:c'],
            ['{a}', '}'],
            ['a', '}{'],
          ],
        ],
        [
          'Unicode',
          ['string'],
          [['é'], ['e\u0301'], ['😀'], ['\u{1f600}\u200d'], ['ß'], ['ss'], ['\uffff'], ['\ufffd']],
        ],
        ['very long strings', ['string'], [[long], [`${long}x`], [`x${long}`], ['k']]],
        [
          'integers near and far',
          ['int64'],
          [[0n], [-1n], [1n], [-64n], [64n], [2n ** 63n - 1n], [-(2n ** 63n)], [2n ** 53n], [2n ** 53n + 1n]],
        ],
        [
          'small integers',
          ['int32', 'int32'],
          [
            [0, 0],
            [0, -1],
            [-1, 0],
            [2 ** 31 - 1, -(2 ** 31)],
            [-(2 ** 31), 2 ** 31 - 1],
          ],
        ],
        [
          'dates and bools',
          ['date', 'bool'],
          [
            ['1969-12-31', true],
            ['1970-01-01', true],
            ['1970-01-01', false],
            ['0001-01-01', true],
          ],
        ],
      ];
      it.each(CASES)('tells entities apart by %s', async (_what, keyTypes, keys) => {
        const table = onlineTable({ keyTypes });
        await store.write(
          table,
          keys.map((key, i) => featureRow(key, [BigInt(i)])),
        );
        const [rows] = await store.read([{ table, keys }]);
        expect(rows?.map((row) => row?.values[0])).toEqual(keys.map((_, i) => BigInt(i)));
        expect(rows?.map((row) => row?.key)).toEqual(keys);
      });

      it('tells any entities apart, and gives their keys back', async () => {
        await fc.assert(
          fc.asyncProperty(anyKeys, async ({ types, keys }) => {
            const table = onlineTable({ keyTypes: types });
            const distinct = [...new Map(keys.map((key) => [JSON.stringify(key, bigintText), key])).values()];
            await store.write(
              table,
              distinct.map((key, i) => featureRow(key, [BigInt(i)])),
            );
            const [rows] = await store.read([{ table, keys: distinct }]);
            expect(rows).toEqual(distinct.map((key, i) => featureRow(key, [BigInt(i)])));
          }),
          { numRuns: 60 },
        );
      });

      it('keeps one row where keys have no parts: the newest, apart from other tables', async () => {
        const [table, other] = [onlineTable({ keyTypes: [] }), onlineTable({ keyTypes: [] })];
        const at = (event: bigint) => featureRow([], [event], { event });
        expect(await store.write(table, [at(2n), at(3n), at(1n)])).toEqual({ written: 2, unchanged: 1 });
        expect(await store.write(other, [at(9n)])).toEqual({ written: 1, unchanged: 0 });
        expect(await store.write(table, [at(2n)])).toEqual({ written: 0, unchanged: 1 });
        expect(await store.read([{ table, keys: [[]] }])).toEqual([[at(3n)]]);
        expect(await scanAll(table)).toEqual([at(3n)]);
        expect(await store.withdraw(table, [{ key: [], was: at(3n), instead: at(1n) }])).toBe(1);
        expect(await readOne(table, [])).toEqual(at(1n));
        expect(await store.drop(table)).toBe(1);
        expect(await readOne(table, [])).toBeUndefined();
        expect(await readOne(other, [])).toEqual(at(9n));
      });

      it('tells projects, views and versions apart whose names hold each other', async () => {
        const id = crypto.randomUUID();
        const names: readonly (readonly [string, string, number])[] = [
          [`${id}shop`, 'view', 1],
          [`${id}my-shop`, 'view', 1],
          [`${id}shop-eu`, 'view', 1],
          [`${id}shop`, 'viewview', 1],
          [`${id}shopview`, 'view', 1],
          [`${id}shop`, 'view', 11],
          [`${id}shop`, 'view1', 1],
          [`${id}shop:view`, '', 1],
          [`${id}shop`, ':view', 1],
          [`${id}{shop}`, 'view', 1],
        ];
        const tables = names.map(([project, view, version]) => onlineTable({ project, view, version }));
        for (const [i, table] of tables.entries()) await store.write(table, [featureRow([1n], [BigInt(i)])]);
        const found = await store.read(tables.map((table) => ({ table, keys: [[1n]] })));
        expect(found.map(([row]) => row?.values[0])).toEqual(tables.map((_, i) => BigInt(i)));
        for (const [i, table] of tables.entries()) {
          expect((await scanAll(table)).map((row) => row.values[0])).toEqual([BigInt(i)]);
        }
      });
    });

    describe('what is read', () => {
      it('gives every value back as it was written, of any type, and nulls', async () => {
        await fc.assert(
          fc.asyncProperty(fc.array(anyTypedValue, { maxLength: 20 }), async (columns) => {
            const table = onlineTable({ valueTypes: columns.map((column) => column.type) });
            const row = featureRow(
              [1n],
              columns.map((column) => column.value),
            );
            await store.write(table, [row]);
            expect(await readOne(table, [1n])).toEqual(row);
          }),
          { numRuns: 150 },
        );
      });

      it('keeps microseconds of both times', async () => {
        const table = onlineTable();
        const row = featureRow([1n], [null], {
          event: 1_700_000_000_123_457n,
          created: -62_135_596_800_000_001n,
        });
        await store.write(table, [row]);
        expect(await readOne(table, [1n])).toEqual(row);
      });

      it('answers 5,000 keys of several tables in order, missing and repeated ones included', async () => {
        const even = onlineTable();
        const odd = onlineTable({ keyTypes: ['string'] });
        const ids = Array.from({ length: 5000 }, (_, i) => i);
        await store.write(
          even,
          ids.filter((i) => i % 2 === 0).map((i) => featureRow([BigInt(i)], [BigInt(i)])),
        );
        await store.write(
          odd,
          ids.filter((i) => i % 2 === 1).map((i) => featureRow([`user ${i}`], [BigInt(i)])),
        );
        const found = await store.read([
          { table: even, keys: ids.map((i) => [BigInt(i)]) },
          { table: odd, keys: [] },
          { table: odd, keys: [...ids, 1, 1].map((i) => [`user ${i}`]) },
        ]);
        expect(found[0]?.map((row) => row?.values[0])).toEqual(
          ids.map((i) => (i % 2 === 0 ? BigInt(i) : undefined)),
        );
        expect(found[1]).toEqual([]);
        expect(found[2]?.map((row) => row?.values[0])).toEqual(
          [...ids, 1, 1].map((i) => (i % 2 === 1 ? BigInt(i) : undefined)),
        );
      });

      it('answers a request without tables', async () => {
        expect(await store.read([])).toEqual([]);
      });

      it('reads a row that was written when the version had fewer features: the new ones are null', async () => {
        const before = onlineTable({ valueTypes: ['int64', 'string'] });
        await store.write(before, [featureRow([1n], [5n, 'x'])]);
        const after = { ...before, valueTypes: ['int64', 'string', 'float64', 'bool'] as const };
        expect((await readOne(after, [1n]))?.values).toEqual([5n, 'x', null, null]);
        expect((await scanAll(after))[0]?.values).toEqual([5n, 'x', null, null]);
      });

      it('still gives a row that is older than its TTL: age is judged by who serves it', async () => {
        const table = onlineTable({ ttl: 3_600_000_000n as NonNullable<OnlineTable['ttl']> });
        const event = BigInt(Date.now()) * 1000n - 2n * 3_600_000_000n;
        const row = featureRow([1n], [5n], { event });
        await store.write(table, [row]);
        expect(await readOne(table, [1n])).toEqual(row);
      });
    });

    describe('rows that end', () => {
      const ended = 1_700_000_000_000_000n;
      const ends = [null, ended, ended - 1n, 2n ** 63n - 1n, -(2n ** 63n), 0n, 253_402_300_799_999_999n];

      it('are given with their end as it was written, to the microsecond, long after it too', async () => {
        const table = onlineTable({ validity: true, valueTypes: ['string', 'int64'] });
        const rows = ends.map((validTo, i) =>
          featureRow([BigInt(i)], [i % 2 === 0 ? null : 'x', BigInt(i)], { event: 5n, validTo }),
        );
        await store.write(table, rows);
        expect(await store.read([{ table, keys: rows.map(({ key }) => key) }])).toEqual([rows]);
        const stored = await scanAll(table);
        expect(stored.toSorted((a, b) => Number(a.key[0]) - Number(b.key[0]))).toEqual(rows);
      });

      it('are not newer by their end: it is corrected by a revision, and taken back with the row', async () => {
        const table = onlineTable({ validity: true });
        const open = featureRow([1n], [1n], { event: 5n, validTo: null });
        await store.write(table, [open]);
        expect(await store.write(table, [{ ...open, validTo: micros(9n) }])).toMatchObject({ written: 0 });
        expect(await readOne(table, [1n])).toEqual(open);
        const closed = { ...open, revision: 1, validTo: micros(9n) };
        expect(await store.write(table, [closed])).toMatchObject({ written: 1 });
        expect(await readOne(table, [1n])).toEqual(closed);
        const before = featureRow([1n], [0n], { event: 4n, validTo: 5n });
        expect(await store.withdraw(table, [{ key: [1n], was: closed, instead: before }])).toBe(1);
        expect(await readOne(table, [1n])).toEqual(before);
      });

      it('are not there in a table whose rows do not end', async () => {
        const table = onlineTable();
        await store.write(table, [featureRow([1n], [1n])]);
        expect(await readOne(table, [1n])).not.toHaveProperty('validTo');
      });
    });

    describe('a whole table', () => {
      const rows = Array.from({ length: 2500 }, (_, i) => featureRow([BigInt(i * 7 - 5000)], [BigInt(i)]));

      it('is scanned with every row once', async () => {
        const table = onlineTable();
        await store.write(table, rows);
        const stored = await scanAll(table);
        expect(stored.toSorted((a, b) => Number(a.key[0]) - Number(b.key[0]))).toEqual(rows);
        expect(await scanAll(onlineTable())).toEqual([]);
      });

      it('is dropped alone: other versions and views stay, and it can be written again', async () => {
        const dropped = onlineTable();
        const others = [{ ...dropped, version: 2 }, { ...dropped, view: 'activity2' }, onlineTable()];
        for (const table of [dropped, ...others]) await store.write(table, rows);
        expect(await store.drop(dropped)).toBe(rows.length);
        expect(await store.drop(dropped)).toBe(0);
        expect(await scanAll(dropped)).toEqual([]);
        expect(await readOne(dropped, rows[0]?.key ?? [])).toBeUndefined();
        for (const table of others) expect(await scanAll(table)).toHaveLength(rows.length);
        const older = featureRow([1n], [1n], { event: 5n });
        await store.write(dropped, [older]);
        expect(await readOne(dropped, [1n])).toEqual(older);
      });
    });

    it('answers a ping', async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });
  });
}

function bigintText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
