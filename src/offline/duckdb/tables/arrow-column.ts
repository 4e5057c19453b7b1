import { DuckDBListVector, type DuckDBVector } from '@duckdb/node-api';
import * as arrow from 'apache-arrow';
import { createOffsets, createValidity, dataOf } from './arrow-buffers.ts';
import { type ArrowColumn, type ScalarColumn, scalarColumn } from './arrow-scalar-column.ts';

/** Undefined for a type that no column of a training set has. `size`: of a vector, whose file says only `FLOAT[]`. */
export function arrowColumnOf(engineType: string, size?: number): ArrowColumn | undefined {
  const element = /^(.*)\[\d*\]$/s.exec(engineType)?.[1];
  if (element === undefined) return scalarColumn(engineType);
  const items = scalarColumn(element);
  if (items === undefined) return undefined;
  return size === undefined ? listColumn(items) : vectorColumn(items, size);
}

function listColumn(items: ScalarColumn): ArrowColumn {
  const type = new arrow.List(new arrow.Field('item', items.type, true));
  const validity = createValidity();
  const offsets = createOffsets();
  return {
    type,
    append(vector, row) {
      const entry = entryOf(vector, row);
      for (let at = 0; at < (entry?.length ?? 0); at++)
        items.add(entry?.items.getItem(entry.from + at) ?? null);
      offsets.add(entry?.length ?? 0);
      validity.add(entry !== null);
    },
    take: () => dataOf(type, validity.take(), { offsets: offsets.take(), children: [items.take()] }),
    bytes: () => items.bytes() + validity.length() * 4,
  };
}

function vectorColumn(items: ScalarColumn, size: number): ArrowColumn {
  const type = new arrow.FixedSizeList(size, new arrow.Field('item', items.type, true));
  const validity = createValidity();
  return {
    type,
    append(vector, row) {
      const entry = entryOf(vector, row);
      if (entry !== null && entry.length !== size) {
        throw new TypeError(`A vector of ${size} was expected where there are ${entry.length} numbers`);
      }
      for (let at = 0; at < size; at++) items.add(entry === null ? 0 : entry.items.getItem(entry.from + at));
      validity.add(entry !== null);
    },
    take: () => dataOf(type, validity.take(), { children: [items.take()] }),
    bytes: () => items.bytes(),
  };
}

function entryOf(
  vector: DuckDBVector,
  row: number,
): { readonly items: DuckDBVector; readonly from: number; readonly length: number } | null {
  if (!(vector instanceof DuckDBListVector)) throw new TypeError('A list was expected');
  // A null list has no items vector; its entry is not to be read.
  if (vector.getItemVector(row) === null) return null;
  return {
    items: vector.childVector,
    from: vector.getEntryOffset(row),
    length: vector.getEntryLength(row),
  };
}
