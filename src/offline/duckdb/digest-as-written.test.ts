import { createHash } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestAsWritten } from './digest-as-written.ts';
import { digestOfFile } from './feature-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-digest-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the digest of a file that is being written', () => {
  test.each([0, 120])('is that of all of it, %d ms between its pieces', async (pause) => {
    const path = join(folder, `in pieces, ${pause}`);
    const digest = digestAsWritten(path);
    await setTimeout(pause);
    for (let piece = 0; piece < 5; piece++) {
      await appendFile(path, Buffer.alloc(700_001, piece));
      await setTimeout(pause);
    }
    const content = await readFile(path);
    expect(await digest.finish()).toEqual({
      bytes: 3_500_005,
      digest: createHash('sha256').update(content).digest('hex'),
    });
  });

  test('is that of the Parquet file that DuckDB has written meanwhile', async () => {
    const path = join(folder, 'rows.parquet');
    const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
    const connection = await instance.connect();
    const digest = digestAsWritten(path);
    await connection.run(
      `COPY (SELECT i, hash(i) AS h, 'text ' || hash(i, 1) AS t FROM range(2000000) t(i) ORDER BY h) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`,
    );
    expect(await digest.finish()).toEqual(await digestOfFile(path));
    connection.closeSync();
    instance.closeSync();
  });

  test('is that of a file that was there at once, and of an empty one', async () => {
    for (const text of ['whole', '']) {
      const path = join(folder, `at once ${text}`);
      await writeFile(path, text);
      expect(await digestAsWritten(path).finish()).toEqual({
        bytes: text.length,
        digest: createHash('sha256').update(text).digest('hex'),
      });
    }
  });
});

test('a file that never came is an error at the end, and none for who stops', async () => {
  const path = join(folder, 'never');
  await expect(digestAsWritten(path).finish()).rejects.toThrow('ENOENT');
  await digestAsWritten(path).stop();
});
