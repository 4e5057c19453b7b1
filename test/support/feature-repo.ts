import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';

/** What a feature repository in a test imports: this checkout's public API. */
export const TIDEMARK = new URL('../../src/index.ts', import.meta.url).href;

const IMPORTS = `import {
  avg, batchFeatureView, between, collectList, count, countDistinct, csvSource, entity, featureService, first, jsonSource, last,
  max, maxNullShare, median, min, minRows, mode, onDemandFeatureView, parquetSource, postgresSource, project, pushSource, quantile, ratio,
  requestSource, stddev, streamFeatureView, sum, trainingSetSchedule,
} from '${TIDEMARK}';
`;

const folders: string[] = [];
let engine: DuckDbEngine | undefined;

afterAll(async () => {
  await engine?.close();
  engine = undefined;
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/**
 * Writes a feature repository to a new folder, removed after the file's last test. `files` are texts by path; `.ts`
 * files that define something need no import of Tidemark's own functions.
 */
export async function featureRepo(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'tidemark-repo-'));
  folders.push(dir);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    // On one line, so that line numbers stay those of the text.
    const imports = path.endsWith('.ts') ? IMPORTS.replaceAll('\n', ' ') : '';
    await writeFile(join(dir, path), imports + text);
  }
  return dir;
}

/** Writes the rows of a query as a Parquet or CSV file, by the path's ending. */
export async function writeRows(path: string, query: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const { withConnection } = await testEngine();
  await withConnection((connection) =>
    connection.run(
      `COPY (${query}) TO '${path}' (FORMAT ${path.endsWith('.csv') ? 'csv, HEADER' : 'parquet'})`,
    ),
  );
}

/** One DuckDB engine for the test file. */
export async function testEngine(): Promise<DuckDbEngine> {
  engine ??= await createDuckDb({
    memory: '512MB',
    threads: 1,
    tempDir: join(tmpdir(), 'tidemark-test-duckdb'),
  });
  return engine;
}
