import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { timeOf } from '../../src/core/time.ts';
import { createDuckDbAsOfEngine } from '../../src/offline/duckdb/as-of/duckdb-as-of-engine.ts';
import { createDuckDb, type DuckDbEngine } from '../../src/offline/duckdb/engine.ts';

let folder: string;
let engine: DuckDbEngine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-text-spine-'));
  engine = await createDuckDb({ memory: '200MB', threads: 1, tempDir: join(folder, 'spill') });
});

afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

let files = 0;
async function described(kind: 'csv' | 'json', text: string) {
  const path = join(folder, `${files++}.${kind}`);
  await writeFile(path, text);
  const asOf = createDuckDbAsOfEngine(engine, { baseDir: folder, offlineRoot: folder });
  return await asOf.describeSpine({ kind, path, timestampField: 'at' });
}

const refused = (message: string) => ({ code: 'SPINE_INVALID', message: expect.stringContaining(message) });

describe('entity rows in CSV', () => {
  test.each(['01/02/2026', '01/02/2026 10:00:00', '1-2-2026'])(
    'whose times may be days and months or months and days are refused: %s',
    async (time) => {
      await expect(described('csv', `at,n\n${time},1\n${time},2\n`)).rejects.toMatchObject(
        refused(
          'its times in "at" do not tell whether the day or the month comes first; write them as ISO 8601',
        ),
      );
    },
  );

  test('have days before months, or after them, where a row tells which, be it a late one', async () => {
    const early = `at,n\n12/31/2026,1\n01/02/2026,1\n`;
    expect((await described('csv', early)).span?.first).toBe(timeOf('2026-01-02'));
    const days = `at,n\n${'01/02/2026,1\n'.repeat(25_000)}31/12/2026,1\n`;
    expect((await described('csv', days)).span?.first).toBe(timeOf('2026-02-01'));
  });

  test('with a time that is none are told with it', async () => {
    await expect(described('csv', 'at,n\n2026-01-01T00:00:00Z,1\nsoon,1\n')).rejects.toMatchObject(
      refused(
        '1 of its 2 rows have no time in "at" that can be used (the first: "soon"); every row needs one.',
      ),
    );
  });
});

test.each(['csv', 'json'] as const)('times of day are text in entity rows in %s', async (kind) => {
  const text = {
    csv: 'at,open\n2026-01-01T00:00:00Z,10:00:00\n',
    json: '{"at": "2026-01-01T00:00:00Z", "open": "10:00:00"}\n',
  };
  expect((await described(kind, text[kind])).columns).toEqual([
    { name: 'at', type: 'timestamp' },
    { name: 'open', type: 'string' },
  ]);
});

test.each(['[{"at": "2026-01-01"}]', '{"at": "2026-01-01"}\n5', 'null', '{}'])(
  'entity rows in JSON lines are objects: %j',
  async (text) => {
    await expect(described('json', `${text}\n`)).rejects.toMatchObject(
      refused('not every line of it is a JSON object with names and values'),
    );
  },
);
