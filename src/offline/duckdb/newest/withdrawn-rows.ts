import type { DuckDBConnection } from '@duckdb/node-api';
import type { BatchViewSpec } from '../../../core/feature-view.ts';
import type { FeatureRow, Withdrawal } from '../../../core/rows.ts';
import type { Micros } from '../../../core/time.ts';
import type { RevisedSlice, WithdrawnRequest } from '../../feature-reader.ts';
import { CREATED_TIME, EVENT_TIME } from '../../offline-columns.ts';
import { allOf, identifier, identifiers } from '../sql-text.ts';
import { transported } from '../types.ts';
import { appendRows, newestSql, type RowChunk, readChunks, rowColumns } from './newest-rows.ts';

/** Looks at the restated range alone first: mostly nothing of it is gone, and the history need not be read. */
export async function* readWithdrawn(
  connection: DuckDBConnection,
  request: WithdrawnRequest,
  offlineRoot: string,
): AsyncGenerator<readonly Withdrawal[]> {
  const { view } = request;
  await connection.run(goneSql(request, offlineRoot));
  const [[gone] = []] = (await connection.runAndReadAll('SELECT count(*) FROM __gone')).getRows();
  if (Number(gone) === 0) return;
  const columns = [
    ...rowColumns(view),
    { sql: transported('__e', 'timestamp'), type: 'timestamp' as const },
    { sql: transported('__c', 'timestamp'), type: 'timestamp' as const },
    { sql: '__r', type: 'int32' as const },
  ];
  const select = `SELECT ${columns.map(({ sql }) => sql).join(', ')} FROM __gone`;
  const keys = identifiers(view.joinKeys.map(({ name }) => name));
  const same = keys === '' ? 'ON true' : `USING (${keys})`;
  const sql = `${select} LEFT JOIN ${insteadSql(request, offlineRoot)} ${same}`;
  const types = columns.map(({ type }) => type);
  for await (const chunk of readChunks(connection, sql, types)) yield withdrawals(view, chunk);
}

/** Makes `__gone`: the keys and recencies of the newest rows of `before` where `after` has none as new. */
function goneSql({ before, after, ...request }: WithdrawnRequest, offlineRoot: string): string {
  const newest = (slices: readonly RevisedSlice[]) => newestSql({ ...request, slices }, offlineRoot);
  const keys = request.view.joinKeys.map(({ name }) => `b.${identifier(name)}, `).join('');
  const asNew = `(a.${EVENT_TIME}, a.${CREATED_TIME}) >= (b.${EVENT_TIME}, b.${CREATED_TIME})`;
  const anti =
    after.length === 0
      ? ''
      : `ANTI JOIN ${newest(after)} a ON ${sameKeys(request.view, 'a', 'b')} AND ${asNew}`;
  return (
    `CREATE TEMP TABLE __gone AS SELECT ${keys}b.${EVENT_TIME} AS __e, b.${CREATED_TIME} AS __c, ` +
    `b.__revision AS __r FROM ${newest(before)} b ${anti}`
  );
}

/** A query in parentheses of the newest rows that are left of the entities in `__gone`. */
function insteadSql({ before, after, beside, ...request }: WithdrawnRequest, offlineRoot: string): string {
  const left = [...after, ...beside];
  const among = `SEMI JOIN __gone g ON ${sameKeys(request.view, 'f', 'g')}`;
  // Without any file left, one that there was tells the columns.
  return left.length === 0
    ? `(SELECT * FROM ${newestSql({ ...request, slices: before }, offlineRoot)} WHERE false)`
    : newestSql({ ...request, slices: left }, offlineRoot, { among });
}

function sameKeys(view: BatchViewSpec, a: string, b: string): string {
  return allOf(view.joinKeys.map(({ name }) => `${a}.${identifier(name)} = ${b}.${identifier(name)}`));
}

function withdrawals(view: BatchViewSpec, chunk: RowChunk): readonly Withdrawal[] {
  const rows: FeatureRow[] = [];
  appendRows(rows, chunk, view);
  const [events = [], created = [], revisions = []] = chunk.columns.slice(-3);
  return rows.map((row, at) => ({
    key: row.key,
    was: {
      eventTime: events[at] as Micros,
      createdTime: created[at] as Micros,
      revision: revisions[at] as number,
    },
    // An outer join: a row that is not there has no event time.
    instead: row.eventTime === null ? undefined : row,
  }));
}
