import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyKeys, anyTypedValue, featureRow, onlineTable } from '../../../test/conformance/online-rows.ts';
import { rowBytes } from '../row-bytes.ts';
import { ByteWriter } from './byte-writer.ts';
import { packedTables, packRow } from './packed-table.ts';

test('a row takes no more than was said before it was packed: what a push has accepted can be stored', () => {
  fc.assert(
    fc.property(anyKeys, fc.array(anyTypedValue, { maxLength: 20 }), ({ types, keys }, typed) => {
      const table = onlineTable({ keyTypes: types, valueTypes: typed.map(({ type }) => type) });
      const packed = packedTables('p')(table);
      const writer = new ByteWriter();
      for (const key of keys) {
        const row = featureRow(
          key,
          typed.map(({ value }) => value),
        );
        writer.length = 0;
        packed.entities.encode(writer, key);
        packed.rows.encode(writer, row);
        expect(writer.length).toBeLessThanOrEqual(rowBytes(row));
      }
    }),
  );
});

test('a row beyond the limit names view, key, size, setting and what to do; at the limit it is packed', () => {
  const table = onlineTable({ valueTypes: ['string'] });
  const row = featureRow([17n], ['x'.repeat(2000)]);
  const writer = new ByteWriter();
  packRow(packedTables('p', 10_000)(table), writer, row, 9);
  const { length } = writer;
  packRow(packedTables('p', length + 9)(table), writer, row, 9);
  expect(() => packRow(packedTables('p', length + 8)(table), writer, row, 9)).toThrow(
    `Cannot store a row of view "activity" at version 1: that of the key 17 takes ${(length + 9).toLocaleString('en-US')} bytes, ` +
      `and a row that is served at most ${(length + 8).toLocaleString('en-US')} bytes (TIDEMARK_ROW_MAX_BYTES). ` +
      'Let the view make less of it, or raise the limit where workers and servers run.',
  );
});
