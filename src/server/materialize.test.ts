import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { batchSpec, manifestOf } from '../../test/support/specs.ts';
import { timeOf } from '../core/time.ts';
import { createMemoryOnlineStore } from '../online/memory/memory-online-store.ts';
import { createApp } from './app.ts';

test('the workflows of hundreds of views are started in one breath, some at once, and told in the order asked for', async () => {
  const names = Array.from({ length: 200 }, (_, at) => `view_${at}`);
  const manifest = manifestOf(names.map((name) => batchSpec({ name })));
  const NOW = timeOf('2026-03-01T12:00:00Z');
  let open = 0;
  let most = 0;
  const app = createApp({
    registry: {
      current: () => ({ manifest, revision: 1, servingVersions: new Map(names.map((name) => [name, 1])) }),
      status: () => ({ readAt: NOW, error: null, revision: 1 }),
    },
    online: createMemoryOnlineStore(),
    functions: new Map(),
    clock: () => NOW,
    runs: {
      async materialize({ view }) {
        open += 1;
        most = Math.max(most, open);
        await sleep(view.length % 3);
        open -= 1;
        return { id: `materialize/shop/${view}@v1` };
      },
      status: () => Promise.reject(new Error('not asked')),
    },
  });
  const payload = { disable_event_timestamp: true };
  const response = await app.inject({ method: 'POST', url: '/materialize', payload });
  expect(response.statusCode).toBe(202);
  expect(response.json().runs).toEqual(
    response.json().feature_views.map((view: string) => ({
      id: `materialize/shop/${view}@v1`,
      view,
      version: 1,
    })),
  );
  expect(response.json().feature_views).toHaveLength(200);
  expect(most).toBe(16);
});
