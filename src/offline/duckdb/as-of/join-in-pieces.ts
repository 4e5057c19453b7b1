import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { formatViewVersion } from '../../../core/feature-view.ts';
import type { AsOfRequest, AsOfResult, ComputedColumns } from '../../as-of-engine.ts';
import { type PlacedColumn, placeSideBySide } from '../../parquet/place-side-by-side.ts';
import { copySetSql } from '../copy-to-parquet.ts';
import { duckDbReason, failureKind } from '../duckdb-failure.ts';
import { literalPath, stringLiteral } from '../sql-text.ts';
import { written } from '../types.ts';
import { computeColumns } from './as-of-computed.ts';
import { fileFailure } from './as-of-failure.ts';
import { chosen, joinedTable, type OutputColumn, viewOutputs } from './as-of-tables.ts';
import { type JoinPlace, type VisibleView, withJoinedRows } from './as-of-view.ts';
import { countNulls } from './count-nulls.ts';
import { runWithProgress } from './run-with-progress.ts';
import type { LoadedSpine } from './spine.ts';
import { spineProblem } from './spine-columns.ts';
import { writeOutput } from './write-output.ts';

/** What of a join the steps of a larger one share. */
export interface JoinSteps {
  /** By view. */
  readonly visible: readonly (VisibleView | null)[];
  readonly place: JoinPlace;
  /** Throws when the spine's file is no longer what it was. */
  readonly requireSameSpine: () => Promise<void>;
  /** Steps are counted from 1; `done` counts entity rows. */
  readonly report: (phase: string, step: number, done?: number) => void;
}

/**
 * Joins each view on its own, into a file of its features in the spine's order; in the end the spine's columns and those
 * of all files become one file, whose columns are copied as they are (`placeSideBySide`). So the time grows with the
 * number of views and features, and what is kept of a view lies on the disk, whatever the memory.
 */
export async function joinInPieces(
  connection: DuckDBConnection,
  request: AsOfRequest,
  loaded: LoadedSpine,
  steps: JoinSteps,
): Promise<Pick<AsOfResult, 'sameTime' | 'bytes' | 'digest' | 'nulls'>> {
  const folder = `${request.path}.${randomUUID()}.unfinished`;
  await mkdir(folder, { recursive: true });
  try {
    return await inFolder(connection, request, loaded, { ...steps, folder });
  } catch (error) {
    const failure = fileFailure(error, request);
    // Of a spine that is another one by now, what it fails by tells nothing.
    if (failure !== error) await steps.requireSameSpine();
    throw failure;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function inFolder(
  connection: DuckDBConnection,
  request: AsOfRequest,
  loaded: LoadedSpine,
  { visible, folder, ...steps }: JoinSteps & { readonly folder: string },
): Promise<Pick<AsOfResult, 'sameTime' | 'bytes' | 'digest' | 'nulls'>> {
  const { views, computed = [], path } = request;
  const { report, requireSameSpine } = steps;
  const piece = (table: string) => join(folder, `${table}.parquet`);
  const joined = viewOutputs(request);
  const inputs = new Set(computed.flatMap((columns) => columns.inputs.map(({ name }) => name)));

  // Sorted also where the rows are in order already: what comes in pieces of other sizes than vectors of the engine's
  // is cut into row groups where a piece ends, and those of all pieces must be alike.
  const spine = loaded.columns.map(({ engineType }, at) => `${written(`c${at}`, engineType)} AS c${at}`);
  await connection.run(
    copySetSql(`SELECT ${spine.join(', ')} FROM __spine ORDER BY rowid`, piece('__spine')),
  );
  const wanted = new Set(request.outputs ?? joined.map(({ name }) => name));
  const sameTime: number[] = [];
  for (const [index, view] of visible.entries()) {
    const phase = `joining ${formatViewVersion(views[index] ?? { view: '', version: 0 })}`;
    report(phase, index + 1);
    const onShare = (share: number) => report(phase, index + 1, Math.floor(share * loaded.rows));
    const table = joinedTable(index);
    const columns = joined.filter(
      (output) => output.table === table && (wanted.has(output.name) || inputs.has(output.name)),
    );
    const place = { ...steps.place, onPart: onShare };
    sameTime.push(
      await writeView(connection, request, loaded, { view, columns, place, onShare, path: piece(table) }),
    );
    await steps.place.giveMemoryBack();
    onShare(1);
  }

  const outputs: OutputColumn[] = [...joined];
  for (const [index, columns] of computed.entries()) {
    const step = views.length + 1 + index;
    report(`computing ${columns.name}`, step);
    const onRows = (done: number) => report(`computing ${columns.name}`, step, done);
    outputs.push(...(await writeComputed(connection, request, loaded, { columns, index, piece, onRows })));
  }

  report('writing', views.length + computed.length + 1, loaded.rows);
  await requireSameSpine();
  const result = chosen(outputs, request.outputs);
  const placed: readonly PlacedColumn[] = [
    ...loaded.columns.map(({ name }, at) => ({ path: piece('__spine'), column: `c${at}`, name })),
    ...result.map(({ table, column, name }) => ({ path: piece(table), column, name })),
  ];
  let nulls: Record<string, number> = {};
  const content = await writeOutput(path, async (unfinished) => {
    await placeSideBySide(unfinished, placed);
    const names = result.map(({ name }) => name);
    nulls = await countNulls(connection, unfinished, names, loaded.rows);
  });
  return { sameTime, ...content, nulls };
}

/** Writes some columns of a view; says in how many rows the value's event time is the row's own. */
async function writeView(
  connection: DuckDBConnection,
  request: AsOfRequest,
  loaded: LoadedSpine,
  {
    view,
    columns,
    place,
    onShare,
    path,
  }: {
    /** Null: no row of it can be seen. */
    readonly view: VisibleView | null;
    readonly columns: readonly OutputColumn[];
    readonly place: JoinPlace;
    /** Of the rows, in [0, 1]. */
    readonly onShare: (share: number) => void;
    readonly path: string;
  },
): Promise<number> {
  const values = (from: string) => columns.map(({ column, value }) => `${value(from + column)} AS ${column}`);
  const make = async (rows: string) => {
    const select = ['j.same AS same', ...values('j.')];
    const copy = copySetSql(`SELECT ${select.join(', ')} FROM (SELECT * FROM (${rows}) ORDER BY id) j`, path);
    await runWithProgress(connection, copy, place.parts === undefined ? onShare : undefined);
    return true;
  };
  const made =
    view !== null &&
    (await withJoinedRows(connection, request, view, loaded, { ...place, carried: [] }, make));
  if (made !== true) {
    const nothing = ['false AS same', ...columns.map(({ column, value }) => `${value('NULL')} AS ${column}`)];
    await connection.run(copySetSql(`SELECT ${nothing.join(', ')} FROM __spine ORDER BY rowid`, path));
    return 0;
  }
  const file = stringLiteral(literalPath(path));
  const [[count] = []] = (
    await connection.runAndReadAll(`SELECT count(*) FILTER (same) FROM read_parquet(${file})`)
  ).getRows();
  return Number(count);
}

async function writeComputed(
  connection: DuckDBConnection,
  request: AsOfRequest,
  { columns: spineColumns, rows }: LoadedSpine,
  {
    columns,
    index,
    piece,
    onRows,
  }: {
    readonly columns: ComputedColumns;
    readonly index: number;
    readonly piece: (table: string) => string;
    readonly onRows: (done: number) => void;
  },
): Promise<readonly OutputColumn[]> {
  const tables = { spineColumns, outputs: viewOutputs(request) };
  for (const table of new Set(tables.outputs.map((output) => output.table))) {
    await connection.run(
      `CREATE OR REPLACE TEMP VIEW ${table} AS SELECT file_row_number AS rowid, * FROM ` +
        `read_parquet(${stringLiteral(literalPath(piece(table)))}, file_row_number = true)`,
    );
  }
  try {
    const computed = await computeColumns(connection, columns, tables, { index, rows, onRows });
    const [{ table } = { table: '' }] = computed;
    const values = computed.map(({ column, value }) => `${value(column)} AS ${column}`);
    await connection.run(
      copySetSql(`SELECT ${values.join(', ')} FROM ${table} ORDER BY rowid`, piece(table)),
    );
    await connection.run(`DROP TABLE ${table}`);
    return computed;
  } catch (error) {
    // A value of the spine that is not what a function takes, such as a number too large for int32.
    if (failureKind(error) !== 'conversion') throw error;
    throw spineProblem(request.spine, `${duckDbReason(error)}, and ${columns.name} needs it`, error);
  }
}
