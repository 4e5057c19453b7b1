import { type DuckDBConnection, version } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import { duckDbReason } from '../duckdb-failure.ts';
import { stringLiteral } from '../sql-text.ts';
import { s3SecretSql } from './s3-secret.ts';

export type ExtensionName = 'httpfs' | 'postgres_scanner';

/** Gives the path of an extension's file for a DuckDB version such as `1.5.5`. */
export type FetchExtension = (
  name: ExtensionName,
  version: string,
) => Promise<{ readonly ok: true; readonly path: string } | { readonly ok: false; readonly reason: string }>;

export interface RemoteOptions {
  /** The environment, by name: credentials and addresses come from nowhere else. */
  readonly variable: (name: string) => string | undefined;
  /** Without it only extensions that are installed already are used. */
  readonly fetchExtension?: FetchExtension;
}

/** What one DuckDB engine needs to read from other machines; made once for each engine. */
export interface RemoteAccess {
  readonly variable: (name: string) => string | undefined;
  /** Makes `s3://` readable. STACK_UNAVAILABLE when the extension cannot be had. */
  openS3(connection: DuckDBConnection): Promise<void>;
  /** Whether an extension can be used; the reason when it cannot. */
  load(connection: DuckDBConnection, name: ExtensionName): Promise<LoadResult>;
}

export type LoadResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export function createRemoteAccess({ variable, fetchExtension }: RemoteOptions): RemoteAccess {
  const loaded = new Map<ExtensionName, Promise<LoadResult>>();
  let s3: Promise<void> | undefined;

  async function tryLoad(connection: DuckDBConnection, name: ExtensionName): Promise<LoadResult> {
    try {
      await connection.run(`LOAD ${name}`);
      return { ok: true };
    } catch (error) {
      if (fetchExtension === undefined) return { ok: false, reason: duckDbReason(error) };
    }
    const fetched = await fetchExtension(name, version().replace(/^v/, ''));
    if (!fetched.ok) return fetched;
    try {
      await connection.run(`LOAD ${stringLiteral(fetched.path)}`);
      return { ok: true };
    } catch (error) {
      return { ok: false, reason: duckDbReason(error) };
    }
  }

  /** Remembered for the engine's life, failures not: what is installed meanwhile is found. */
  async function load(connection: DuckDBConnection, name: ExtensionName): Promise<LoadResult> {
    const known = loaded.get(name) ?? tryLoad(connection, name);
    loaded.set(name, known);
    const result = await known.catch((error: unknown) => {
      loaded.delete(name);
      throw error;
    });
    if (!result.ok) loaded.delete(name);
    return result;
  }

  async function makeS3Readable(connection: DuckDBConnection): Promise<void> {
    const result = await load(connection, 'httpfs');
    if (!result.ok) {
      throw new TidemarkError(
        'STACK_UNAVAILABLE',
        `Cannot read from s3://: DuckDB's extension "httpfs" ${version()} cannot be loaded (${result.reason}). ` +
          'Install it with INSTALL httpfs in a DuckDB of this version, or make pip able to download duckdb-extension-httpfs.',
      );
    }
    try {
      await connection.run(s3SecretSql(variable));
    } catch {
      // What DuckDB says may repeat the statement, and with it the credentials.
      throw new TidemarkError(
        'CONFIG_INVALID',
        'Cannot read from s3://: DuckDB does not take the AWS_ variables of the environment as they are.',
      );
    }
  }

  return {
    variable,
    load,
    async openS3(connection) {
      s3 ??= makeS3Readable(connection).catch((error: unknown) => {
        s3 = undefined;
        throw error;
      });
      await s3;
    },
  };
}
