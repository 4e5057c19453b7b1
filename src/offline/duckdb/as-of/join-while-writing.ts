import type { DuckDBConnection } from '@duckdb/node-api';
import type { AsOfRequest, AsOfResult } from '../../as-of-engine.ts';
import { fileFailure } from './as-of-failure.ts';
import { chosen, countedSql, viewOutputs, writeRowsSql } from './as-of-tables.ts';
import { type JoinPlace, type VisibleView, withJoinedRows } from './as-of-view.ts';
import { carriedColumns } from './carried-columns.ts';
import { countNulls } from './count-nulls.ts';
import { runWithProgress } from './run-with-progress.ts';
import type { LoadedSpine } from './spine.ts';
import { writeOutput } from './write-output.ts';

/** The rows of one view carry the spine's, and are put in order as they are written; null when none can be seen. */
export async function joinWhileWriting(
  connection: DuckDBConnection,
  request: AsOfRequest,
  visible: VisibleView,
  loaded: LoadedSpine,
  place: Omit<JoinPlace, 'parts'> & {
    /** Of the rows, in [0, 1]. */
    readonly onShare: (share: number) => void;
    /** Throws when the spine's file is no longer what it was. */
    readonly requireSameSpine: () => Promise<void>;
  },
): Promise<Pick<AsOfResult, 'sameTime' | 'bytes' | 'digest' | 'nulls'> | null> {
  const outputs = chosen(viewOutputs(request), request.outputs);
  const { view, facts, keyColumns } = visible;
  const { joinKeys } = view;
  const carried = await carriedColumns(connection, loaded, { joinKeys, keyColumns, facts });
  const write = async (rows: string) => {
    let nulls: Record<string, number> = {};
    const result = { spineColumns: loaded.columns, outputs };
    const content = await writeOutput(request.path, async (unfinished) => {
      const { before, copy } = writeRowsSql(result, carried, unfinished, rows);
      await connection.run(before);
      await runWithProgress(connection, copy, place.onShare);
      await place.requireSameSpine();
      nulls = await countNulls(
        connection,
        unfinished,
        outputs.map(({ name }) => name),
        loaded.rows,
      );
    });
    const [[sameTime] = []] = (await connection.runAndReadAll(countedSql)).getRows();
    return { sameTime: [Number(sameTime)], ...content, nulls };
  };
  try {
    return await withJoinedRows(connection, request, visible, loaded, { ...place, carried }, write);
  } catch (error) {
    const failure = fileFailure(error, request);
    if (failure !== error) await place.requireSameSpine();
    throw failure;
  }
}
