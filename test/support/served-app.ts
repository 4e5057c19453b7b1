import { expect } from 'vitest';
import { createMemoryOnlineStore } from '../../src/online/memory/memory-online-store.ts';
import type { OnlineStore } from '../../src/online/online-store.ts';
import { createApp } from '../../src/server/app.ts';
import type { AppDependencies } from '../../src/server/dependencies.ts';
import { functions, NOW, servingSnapshot } from './serving-project.ts';

export const SERVED_PROJECT = 'serving';

/** The HTTP server over the serving project and a store in memory, asked without a network. */
export interface ServedApp {
  readonly online: OnlineStore;
  readonly app: ReturnType<typeof createApp>;
  /** Another server over the same store, with some of its dependencies replaced. */
  start(changes?: Partial<AppDependencies>): ReturnType<typeof createApp>;
}

export function servedApp(): ServedApp {
  const online = createMemoryOnlineStore();
  const start = (changes: Partial<AppDependencies> = {}) => {
    const snapshot = servingSnapshot(SERVED_PROJECT);
    return createApp({
      registry: {
        current: () => snapshot,
        status: () => ({ readAt: NOW, error: null, revision: snapshot.revision }),
      },
      online,
      functions,
      clock: () => NOW,
      ...changes,
    });
  };
  return { online, app: start(), start };
}

export async function post(body: unknown, app: ReturnType<typeof createApp>) {
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await app.inject({ method: 'POST', url: '/get-online-features', payload });
  return { status: response.statusCode, text: response.body, json: response.json() };
}

/** The error of a request that must be refused, without a trace of the code. */
export async function refusal(body: unknown, app: ReturnType<typeof createApp>) {
  const { status, text, json } = await post(body, app);
  expect(text).not.toMatch(/\n\s+at |node_modules|\.ts:/);
  return { status, ...json.error };
}
