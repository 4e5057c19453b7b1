import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { digestOf } from '../../../core/canonical.ts';
import type { AsOfRequest, AsOfView } from '../../as-of-engine.ts';
import { failureKind } from '../duckdb-failure.ts';
import { moveIntoPlace } from '../feature-file.ts';
import { literalPath, stringLiteral } from '../sql-text.ts';

/** Below so many entity rows joining a view once more is quicker than keeping what it gave. */
const LEAST_ROWS = 100_000;

/** The joined tables of a request's views, kept as files until the request is done, so that it can be taken up again. */
export interface KeptParts {
  /** Makes the view's table of what was kept; false when nothing was. */
  restore(connection: DuckDBConnection, view: AsOfView, table: string): Promise<boolean>;
  keep(connection: DuckDBConnection, view: AsOfView, table: string): Promise<void>;
  remove(): Promise<void>;
}

/** A part is named by all that decides it; its file is written under another name first. */
export function keptParts(
  { workFolder: folder, knownAt, notAfter, spine: { timestampField } }: AsOfRequest,
  of: { readonly engine: string; readonly spineDigest: string; readonly rows: number },
): KeptParts {
  if (folder === undefined || of.rows < LEAST_ROWS) {
    return {
      restore: async () => false,
      keep: async () => {},
      remove: async () => {
        if (folder !== undefined) await rm(folder, { recursive: true, force: true });
      },
    };
  }
  const pathOf = (view: AsOfView) => {
    const { engine, spineDigest } = of;
    const decides = { engine, spineDigest, timestampField, view, knownAt, notAfter: notAfter ?? null };
    return join(folder, `${digestOf(decides)}.parquet`);
  };
  return {
    async restore(connection, view, table) {
      const path = pathOf(view);
      if (!existsSync(path)) return false;
      try {
        await connection.run(
          `CREATE TEMP TABLE ${table} AS SELECT * FROM read_parquet(${stringLiteral(literalPath(path))})`,
        );
        return true;
      } catch (error) {
        if (existsSync(path)) throw error;
        return false; // Another build of the same set is done, and has taken its parts away.
      }
    },
    async keep(connection, view, table) {
      await mkdir(folder, { recursive: true });
      const unfinished = join(folder, `${randomUUID()}.unfinished`);
      try {
        await connection.run(`COPY ${table} TO ${stringLiteral(unfinished)} (FORMAT parquet)`);
        await moveIntoPlace(unfinished, pathOf(view));
      } catch (error) {
        // Another build of the same set that is done takes the folder away; this one still has the table.
        if (failureKind(error) !== 'file' && existsSync(folder)) throw error;
      } finally {
        await rm(unfinished, { force: true });
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
