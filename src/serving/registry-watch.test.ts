import { afterEach, expect, test, vi } from 'vitest';
import { NOW, servingRegistry, servingSnapshot } from '../../test/support/serving-project.ts';
import { TidemarkError } from '../core/errors.ts';
import { type RegistryWatch, type WatchOptions, watchRegistry } from './registry-watch.ts';

const project = 'watched';
let watch: RegistryWatch | undefined;
afterEach(() => watch?.close());

/** A registry whose answers a test changes. */
function changeable() {
  const answers: { registry: WatchOptions['registry'] } = { registry: servingRegistry(project) };
  const registry: WatchOptions['registry'] = {
    load: (name) => answers.registry.load(name),
    servingVersions: (name) => answers.registry.servingVersions(name),
  };
  return { answers, start: () => watchRegistry({ registry, project, clock: () => NOW, intervalMillis: 5 }) };
}

test('a change reaches the watch by itself, and no change keeps the same snapshot', async () => {
  const { answers, start } = changeable();
  watch = await start();
  const first = watch.current();
  await watch.refresh();
  expect(watch.current()).toBe(first);
  answers.registry = {
    ...servingRegistry(project),
    servingVersions: async () => new Map([...servingSnapshot(project).servingVersions, ['activity', 2]]),
  };
  await expect.poll(() => watch?.current().servingVersions.get('activity')).toBe(2);
  expect(first.servingVersions.get('activity')).toBe(1);
});

test('while the registry is down what is known stays, and the reason is told until it is back', async () => {
  const { answers, start } = changeable();
  watch = await start();
  const known = watch.current();
  const down = async () => {
    throw new TidemarkError('STORE_UNAVAILABLE', 'Cannot reach Postgres.');
  };
  answers.registry = { load: down, servingVersions: down };
  await expect.poll(() => watch?.status().error).toBe('Cannot reach Postgres.');
  expect(watch.current()).toBe(known);
  answers.registry = servingRegistry(project);
  await expect.poll(() => watch?.status().error).toBeNull();
});

test('a registry that is down at the start is an error', async () => {
  const { answers, start } = changeable();
  answers.registry = {
    ...servingRegistry(project),
    load: async () => {
      throw new TidemarkError('STORE_UNAVAILABLE', 'Cannot reach Postgres.');
    },
  };
  await expect(start()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
});

test('a project that was never applied is unknown until its first apply', async () => {
  const { answers, start } = changeable();
  answers.registry = { load: async () => undefined, servingVersions: async () => new Map() };
  watch = await start();
  expect(() => watch?.current()).toThrow(expect.objectContaining({ code: 'UNKNOWN_PROJECT' }));
  answers.registry = servingRegistry(project);
  await vi.waitFor(() => expect(watch?.current().revision).toBe(1), { timeout: 30_000 });
});
