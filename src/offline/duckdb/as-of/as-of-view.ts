import type { DuckDBConnection } from '@duckdb/node-api';
import type { AsOfRequest, AsOfView } from '../../as-of-engine.ts';
import type { RevisedSlice } from '../../feature-reader.ts';
import { stringLiteral, writtenParquet } from '../sql-text.ts';
import { type FileFacts, readFileFacts } from './as-of-facts.ts';
import { keptPart, throughParts } from './as-of-parts.ts';
import { planJoin } from './as-of-plan.ts';
import { knownAtOf } from './as-of-reach.ts';
import { relevantSlices, withoutNeedlessRanges } from './as-of-slices.ts';
import { type Joined, joinedRowsSql, type Prepared, type ViewJoin } from './as-of-sql.ts';
import { seenRowsSql } from './seen-rows-sql.ts';
import type { LoadedSpine } from './spine.ts';

/** A view of which some file may hold rows that some spine row can see. */
export interface VisibleView {
  readonly view: AsOfView;
  readonly slices: readonly RevisedSlice[];
  readonly replaced: readonly RevisedSlice[];
  readonly facts: FileFacts;
  /** The spine column of each join key. */
  readonly keyColumns: readonly number[];
}

/** Where a join is made, and with what. */
export interface JoinPlace {
  readonly offlineRoot: string;
  /** What one view or part has used is not to lie beside what the next uses. */
  readonly giveMemoryBack: () => Promise<void>;
  /** Of a large join: where its parts are kept, and what else than the view decides them. */
  readonly parts?: { readonly folder: string; readonly decides: object; readonly rowsPerPart: number };
  /** Called for each part that is there, with the share of rows that are in such parts, in (0, 1]. */
  readonly onPart?: (share: number) => void;
}

export async function openView(
  connection: DuckDBConnection,
  view: AsOfView,
  { span }: LoadedSpine,
  of: { readonly keyColumns: readonly number[]; readonly offlineRoot: string },
): Promise<VisibleView | null> {
  const relevant = span === null ? [] : relevantSlices(view, span);
  if (relevant.length === 0) return null;
  const before = span === null ? [] : relevantSlices({ ...view, slices: view.replaced ?? [] }, span);
  const facts = await readFileFacts(connection, view, [...relevant, ...before], of.offlineRoot);
  const slices = withoutNeedlessRanges(relevant, facts);
  return { view, slices, replaced: withoutNeedlessRanges(before, facts), facts, keyColumns: of.keyColumns };
}

/**
 * Gives `use` the query of the joined rows (`joinedRowsSql`), of which it is run once; null when no row can be seen. A
 * large join is made in parts by its keys, each of which is a file that carries nothing of the spine, and the query reads
 * those.
 */
export async function withJoinedRows<T>(
  connection: DuckDBConnection,
  { knownAt }: Pick<AsOfRequest, 'knownAt'>,
  visible: VisibleView,
  { span, rows: spineRows }: LoadedSpine,
  { carried, ...place }: JoinPlace & Pick<Joined, 'carried'>,
  use: (query: string) => Promise<T>,
): Promise<T | null> {
  if (span === null) return null;
  const rows = { ...visible, ...place, knownAt: knownAtOf(visible.view, knownAt), span, spineRows };
  const join = await planJoin(connection, rows);
  return join && useJoin(connection, join, rows, { ...place, carried }, use);
}

async function useJoin<T>(
  connection: DuckDBConnection,
  join: ViewJoin,
  { view, facts, keyColumns, spineRows }: VisibleView & { readonly spineRows: number },
  { carried, parts, onPart, giveMemoryBack }: JoinPlace & Pick<Joined, 'carried'>,
  use: (query: string) => Promise<T>,
): Promise<T> {
  const rowsSql = join.plan.numbersAreOrder ? seenRowsSql : joinedRowsSql;
  if (parts === undefined) return around(connection, rowsSql(join, { keyColumns, carried }), use);
  const of = view.joinKeys.length === 0 ? 1 : Math.ceil((spineRows + facts.rows) / parts.rowsPerPart);
  const files = Array.from({ length: of }, (_, at) => {
    const part = { at, of };
    return keptPart(parts.folder, { ...parts.decides, view, part }, async (path) => {
      const rows = rowsSql(join, { keyColumns, carried: [], part });
      await around(connection, rows, (query) =>
        connection.run(`COPY (${query}) TO ${stringLiteral(path)} (FORMAT parquet)`),
      );
      await giveMemoryBack();
    });
  });
  return throughParts(
    files,
    (paths) => use(`SELECT * FROM ${writtenParquet(paths)}`),
    (done) => onPart?.(done / of),
  );
}

async function around<T>(
  connection: DuckDBConnection,
  { before, query, after }: Prepared,
  use: (query: string) => Promise<T>,
): Promise<T> {
  for (const statement of before) await connection.run(statement);
  const result = await use(query);
  for (const statement of after) await connection.run(statement);
  return result;
}
