import type { DuckDBConnection } from '@duckdb/node-api';
import type { BatchViewSpec } from '../../../core/feature-view.ts';
import type { FeatureRow } from '../../../core/rows.ts';
import type { Micros } from '../../../core/time.ts';
import type { KeyValue, Value, ValueType } from '../../../core/value-type.ts';
import type { LatestRequest } from '../../feature-reader.ts';
import { CREATED_TIME, EVENT_TIME, VALID_TO } from '../../offline-columns.ts';
import { sliceScanSql } from '../slice-scan.ts';
import { identifier, timestampLiteral } from '../sql-text.ts';
import { duckDbType, readColumn, transported } from '../types.ts';
import { placedSql } from './integer-place.ts';

/**
 * A query in parentheses of the newest row of each entity: all columns of the files, and `__revision`; with `places`
 * also `__place`. `among` is put behind the files' rows, which are called `f`: a join that leaves some of them out.
 * `where` is a condition over them.
 */
export function newestSql(
  { view, slices, notBefore, notAfter }: LatestRequest,
  offlineRoot: string,
  { among = '', where = 'true', places = false } = {},
): string {
  const bounds = [
    where === 'true' ? [] : [where],
    notBefore === undefined ? [] : [`${EVENT_TIME} >= ${timestampLiteral(notBefore)}`],
    notAfter === undefined ? [] : [`${EVENT_TIME} <= ${timestampLiteral(notAfter)}`],
  ].flat();
  const keys = view.joinKeys.map(({ name }) => identifier(name));
  const order = `ORDER BY ${EVENT_TIME} DESC, ${CREATED_TIME} DESC, __revision DESC`;
  const scan = sliceScanSql(slices, offlineRoot);
  return (
    `(SELECT * FROM ${places ? placedSql(scan, view) : scan} f ${among}` +
    `${bounds.length === 0 ? '' : ` WHERE ${bounds.join(' AND ')}`} ` +
    (keys.length === 0
      ? `${order} LIMIT 1)`
      : `QUALIFY row_number() OVER (PARTITION BY ${keys.join(', ')} ${order}) = 1)`)
  );
}

/** Expressions over the columns of `newestSql` that carry a row to JavaScript, and the types they are read as. */
export function rowColumns(
  view: BatchViewSpec,
): readonly { readonly sql: string; readonly type: ValueType }[] {
  const plain = (column: string, type: ValueType) => ({ sql: transported(column, type), type });
  return [
    plain(EVENT_TIME, 'timestamp'),
    plain(CREATED_TIME, 'timestamp'),
    { sql: '__revision', type: 'int32' },
    ...view.joinKeys.map(({ name, type }) => plain(identifier(name), type)),
    // Parquet has no fixed-size lists: a vector comes back as a list and is one again by its cast.
    ...view.features.map(({ name, type }) => plain(`CAST(${identifier(name)} AS ${duckDbType(type)})`, type)),
    ...(view.validTo === undefined ? [] : [plain(VALID_TO, 'timestamp')]),
  ];
}

export interface RowChunk {
  readonly columns: readonly (readonly Value[])[];
  readonly rows: number;
}

/** The result of a query in DuckDB's chunks, each read as these types. */
export async function* readChunks(
  connection: DuckDBConnection,
  sql: string,
  types: readonly ValueType[],
): AsyncGenerator<RowChunk> {
  const result = await connection.stream(sql);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    const columns = types.map((type, index) => readColumn(chunk.getColumnVector(index), type));
    yield { columns, rows: chunk.rowCount };
  }
}

/** Adds the rows of columns as `rowColumns` selects them. */
export function appendRows(
  batch: FeatureRow[],
  { columns, rows }: RowChunk,
  {
    joinKeys,
    features: { length: count },
    validTo,
  }: Pick<BatchViewSpec, 'joinKeys' | 'features' | 'validTo'>,
): void {
  const [eventTimes = [], createdTimes = [], revisions = []] = columns;
  const keys = columns.slice(3, 3 + joinKeys.length) as readonly (readonly KeyValue[])[];
  const features = columns.slice(3 + joinKeys.length, 3 + joinKeys.length + count);
  const ends = validTo === undefined ? undefined : columns[3 + joinKeys.length + count];
  for (let row = 0; row < rows; row++) {
    const newest = {
      key: keys.map((column) => column[row] as KeyValue),
      eventTime: eventTimes[row] as Micros,
      createdTime: createdTimes[row] as Micros,
      revision: revisions[row] as number,
      values: features.map((column) => column[row] as Value),
    };
    batch.push(ends === undefined ? newest : { ...newest, validTo: ends[row] as Micros | null });
  }
}
