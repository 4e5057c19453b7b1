import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serveHere } from '../../src/cli/serve-here.ts';
import { parseExactJson } from '../../src/core/exact-json.ts';
import type { RunningServer } from '../../src/server/serve.ts';
import { appliedProject } from '../support/project.ts';
import { pythonWith, withoutPython } from '../support/python-package.ts';

const FEAST = '0.67.0';

/** The same views as `feast-sdk.py` defines for Feast. */
const DEFINITIONS = `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const origin = entity({ name: 'origin', joinKeys: { origin: 'string' } });
export const dest = entity({ name: 'dest', joinKeys: { dest: 'string' } });
const rows = pushSource({
  name: 'activity_push', timestampField: 'event_timestamp',
  columns: {
    user_id: 'int64', sessions: 'int64', spend: 'float64', model: 'string', active: 'bool', since: 'timestamp',
    tags: 'array<string>', budget: 'float64', weights: 'array<float64>', emb: 'vector(3)',
    times: 'array<timestamp>',
  },
});
export const activity = streamFeatureView({
  name: 'activity', version: 1, entities: [user], source: rows, startTime: '<start>', ttl: '1d',
  features: {
    sessions: 'int64', spend: 'float64', model: 'string', active: 'bool', since: 'timestamp', tags: 'array<string>',
    budget: 'float64', weights: 'array<float64>', emb: 'vector(3)', times: 'array<timestamp>',
  },
});
const flights = pushSource({
  name: 'flights', timestampField: 'at', columns: { origin: 'string', dest: 'string', delay: 'float64' },
});
export const routes = batchFeatureView({
  name: 'routes', version: 1, entities: [origin, dest], source: flights, schedule: '0 0 * * *',
  startTime: '<start>', ttl: '1d', features: { delay: 'float64' },
});
const quotes = pushSource({ name: 'quotes', timestampField: 'at', columns: { eur: 'float64' } });
export const rates = batchFeatureView({
  name: 'rates', version: 1, entities: [], source: quotes, schedule: '0 0 * * *', startTime: '<start>', ttl: '1d',
  features: { eur: 'float64' },
});
export const model = featureService({ name: 'model', features: [activity.pick('spend'), routes] });
`;

/** Made once, and kept: a package of half a gigabyte with what it needs. */
async function feastPython(): Promise<{ readonly python: string } | { readonly reason: string }> {
  const reason = await withoutPython();
  if (reason !== undefined) return { reason };
  try {
    return { python: await pythonWith('feast', 'feast', FEAST) };
  } catch (error) {
    return { reason: `feast ${FEAST} cannot be installed here (${String(error).split('\n')[0]})` };
  }
}

const feast = await feastPython();

describe.skipIf('reason' in feast)(
  `Feast's own SDK ${FEAST} ${'reason' in feast ? `(skipped: ${feast.reason})` : ''}`,
  () => {
    const BIG = 9_007_199_254_740_993n;
    let server: RunningServer;
    let folder: string;
    let found: Readonly<Record<string, unknown>>;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tidemark-feast-'));
      server = await serveHere(await appliedProject({ definitions: DEFINITIONS, data: {}, days: 2 }), 0);
      const { stdout } = await promisify(execFile)(
        'python' in feast ? feast.python : 'python3',
        [join(import.meta.dirname, '../support/feast-sdk.py'), folder, server.url],
        { env: { ...process.env, FEAST_USAGE: 'False' }, cwd: folder },
      );
      found = parseExactJson(stdout.trim().split('\n').at(-1) ?? '') as typeof found;
    }, 120_000);
    afterAll(async () => {
      await server?.close();
      await rm(folder, { recursive: true, force: true });
    });

    test('reads by a single key what it has written, twice, with every digit', () => {
      expect(found.single).toEqual({
        user_id: [1, BIG, 9],
        sessions: [3, BIG, null],
        spend: [1.5, null, null],
        model: ['opus', null, null],
        active: [true, false, null],
        since: [found.since, found.since, null],
        tags: [['a', 'b'], ['c'], null],
        budget: [20, 0, null],
        weights: [[0.5, 2, 0], [3], null],
        emb: [[0.5, 0.25, 0], [1, -3, 0], null],
        times: [[found.since, 1], [1_700_000_000], null],
      });
      expect(found.online_read).toEqual({
        spend: ['double_val', 1.5],
        budget: ['double_val', 20],
        weights: ['double_list_val', [0.5, 2, 0]],
        emb: ['float_list_val', [0.5, 0.25, 0]],
      });
    });

    test('pushes', () => {
      expect(found.pushed).toEqual({ user_id: [3], sessions: [BIG] });
    });

    test('reads by a composite key, of which no two are taken for one', () => {
      expect(found.composite).toEqual({
        origin: ['JFK', 'JF', 'LAX'],
        dest: ['LAX', 'KLAX', 'JFK'],
        delay: [12.5, 7, null],
      });
    });

    test('writes and reads a view without entities, which it gives a key of its own', () => {
      expect(found.without_keys).toEqual({ user_id: [1, 9], eur: [1.25, 1.25], sessions: [3, null] });
      expect(found.alone).toEqual({ eur: [1.25] });
      expect(found.online_read_without_keys).toBe(1.25);
    });

    test('reads a feature service, and full names', () => {
      expect(found.service).toMatchObject({ user_id: [1], spend: [1.5], delay: [12.5] });
      expect(found.full_names).toEqual({ user_id: [1], activity__spend: [1.5] });
    });

    test('is told what is missing where it sends the first join key alone, and what is wrong with a write', () => {
      expect(found.first_key_alone).toContain('entities.dest: the join key is missing');
      expect(found.far_future).toContain('df.event_timestamp[0]: found');
    });
  },
);
