import type { KnownAt } from '../../../core/as-of.ts';
import { micros } from '../../../core/time.ts';
import type { AsOfView } from '../../as-of-engine.ts';
import type { RevisedSlice } from '../../feature-reader.ts';
import { CREATED_TIME, EVENT_TIME } from '../../offline-columns.ts';
import { sliceScanSql } from '../slice-scan.ts';
import { allOf, identifier, timestampLiteral } from '../sql-text.ts';
import { aroundAll, type Bounds } from './bounds.ts';

/** Rows of a view, and where its files are. */
export interface CountedRows extends Pick<AsOfView, 'joinKeys'> {
  readonly slices: readonly RevisedSlice[];
  readonly replaced: readonly RevisedSlice[];
  readonly knownAt: KnownAt;
  readonly offlineRoot: string;
  /** By slice path, of slices that take their file as a whole. */
  readonly eventTimes?: ReadonlyMap<string, Bounds>;
}

/** Whether rows that were replaced can be seen: otherwise the newer row hides them wherever it is known. */
export function readsReplaced({ replaced, knownAt }: Pick<CountedRows, 'replaced' | 'knownAt'>): boolean {
  return replaced.length > 0 && knownAt.kind !== 'any';
}

/** A query in parentheses, as `sliceScanSql`: the rows of the slices, and of those before them `replacedRows`. */
export function countedRowsSql(rows: CountedRows): string {
  const { joinKeys, slices, replaced, knownAt, offlineRoot } = rows;
  const now = sliceScanSql(slices, offlineRoot);
  if (!readsReplaced(rows)) return now;
  const same = [...joinKeys.map(({ name }) => identifier(name)), EVENT_TIME];
  // Where the newer row is known by the cut-off it wins anyway.
  const unknown = knownAt.kind === 'cutoff' ? [`${CREATED_TIME} > ${timestampLiteral(knownAt.at)}`] : [];
  const mayHide = allOf([...unknown, ...amongReplacedSql(rows)]);
  const on = [
    ...same.map((name) => `later.${name} = rows.${name}`),
    `later.${CREATED_TIME} > rows.${CREATED_TIME}`,
  ];
  return (
    `(SELECT * FROM ${now} UNION ALL BY NAME SELECT rows.* FROM ${sliceScanSql(replaced, offlineRoot)} rows ` +
    `SEMI JOIN (SELECT ${[...same, CREATED_TIME].join(', ')} FROM ${now} WHERE ${mayHide}) later ON ${on.join(' AND ')})`
  );
}

/** Of the view's rows only those at times of replaced ones are looked up among them: mostly few, in few files. */
function amongReplacedSql({ replaced, eventTimes }: CountedRows): readonly string[] {
  const times = aroundAll(
    replaced.map(({ path, range }) =>
      // A row's event time lies in its interval, both ends included.
      range === undefined ? eventTimes?.get(path) : { least: range.start, most: range.end },
    ),
  );
  if (times === null) return [];
  const [first, last] = [times.least, times.most].map((time) => timestampLiteral(micros(time)));
  return [`${EVENT_TIME} BETWEEN ${first} AND ${last}`];
}
