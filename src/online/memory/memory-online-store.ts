import { compareRecency, isNewer } from '../../core/newer.ts';
import type { FeatureRow } from '../../core/rows.ts';
import type { KeyValue } from '../../core/value-type.ts';
import type { OnlineStore, OnlineTable } from '../online-store.ts';

/** The online store in this process, for tests and trials: nothing is shared, nothing expires, nothing outlives it. */
export function createMemoryOnlineStore(): OnlineStore {
  const tables = new Map<string, Map<string, FeatureRow>>();

  function rowsOf(table: OnlineTable): Map<string, FeatureRow> {
    const id = JSON.stringify([table.project, table.view, table.version]);
    const known = tables.get(id);
    if (known !== undefined) return known;
    const rows = new Map<string, FeatureRow>();
    tables.set(id, rows);
    return rows;
  }

  return {
    async write(table, rows) {
      const stored = rowsOf(table);
      let written = 0;
      for (const row of rows) {
        const id = keyId(row.key);
        if (!isNewer(row, stored.get(id))) continue;
        stored.set(id, row);
        written++;
      }
      return { written, unchanged: rows.length - written };
    },

    async withdraw(table, withdrawals) {
      const stored = rowsOf(table);
      let changed = 0;
      for (const { key, was, instead } of withdrawals) {
        const id = keyId(key);
        const row = stored.get(id);
        if (row === undefined || compareRecency(row, was) !== 0) continue;
        if (instead === undefined) stored.delete(id);
        else stored.set(id, instead);
        changed++;
      }
      return changed;
    },

    async read(requests) {
      return requests.map(({ table, keys }) => {
        const stored = rowsOf(table);
        return keys.map((key) => {
          const row = stored.get(keyId(key));
          return row && withAllValues(row, table);
        });
      });
    },

    async *scan(table) {
      const rows = [...rowsOf(table).values()].map((row) => withAllValues(row, table));
      if (rows.length > 0) yield rows;
    },

    async drop(table) {
      const stored = rowsOf(table);
      const count = stored.size;
      stored.clear();
      return count;
    },

    async ping() {},
    async close() {},
  };
}

/** Differs for different keys of a table: its key types are fixed, so only the values must be told apart. */
function keyId(key: readonly KeyValue[]): string {
  return JSON.stringify(key.map((value) => (typeof value === 'bigint' ? String(value) : value)));
}

/** A row written when the version had fewer features lacks the last ones. */
function withAllValues(row: FeatureRow, table: OnlineTable): FeatureRow {
  const lacking = table.valueTypes.length - row.values.length;
  if (lacking <= 0) return row;
  return { ...row, values: [...row.values, ...new Array<null>(lacking).fill(null)] };
}
