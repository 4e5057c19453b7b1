import { describe, expect, test } from 'vitest';
import { micros } from '../../src/core/time.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { uniqueName } from '../support/services.ts';
import { trainingSetSpec } from '../support/specs.ts';
import {
  applyRequest,
  batchView,
  events,
  manifestOf,
  NOW,
  onDemandView,
  service,
  user,
} from './registry-fixture.ts';
import { registryRuntimeFacts } from './registry-runtime-facts.ts';

/** What every registry must do; `make` gives a registry on the same store each time, over its own connections. */
export function registryConformance(make: () => Promise<Registry>): void {
  const clicks = batchView('clicks');
  const visits = batchView('visits');
  const visits2 = batchView('visits', 2);
  const ratio = onDemandView('ratio', clicks);
  const churn = service('churn', clicks, ratio);
  const everything = {
    entities: [user],
    sources: [events],
    views: [clicks, ratio, visits, visits2],
    services: [churn],
    trainingSetSchedules: [
      trainingSetSpec({
        name: 'daily',
        spine: { kind: 'last', duration: '7d', timestampField: 'at' },
        aliases: [{ view: 'clicks', prefix: 'friend_', keys: { user_id: 'friend' } }],
      }),
    ],
  };

  describe('applying', () => {
    test('makes the manifest the one that is loaded, exactly as it was given', async () => {
      const registry = await make();
      const project = uniqueName('project');
      expect(await registry.load(project)).toBeUndefined();
      const manifest = manifestOf(project, everything);
      const applied = { manifest, revision: 1, appliedAt: NOW };
      expect(await registry.apply(applyRequest(manifest, 0))).toEqual(applied);
      expect(await registry.load(project)).toEqual(applied);
      expect(await (await make()).load(project)).toEqual(applied);
    });

    test('works for a project that defines nothing', async () => {
      const registry = await make();
      const manifest = manifestOf(uniqueName('project'), {});
      await registry.apply(applyRequest(manifest, 0));
      expect(await registry.load(manifest.project)).toEqual({ manifest, revision: 1, appliedAt: NOW });
    });

    test('the same manifest again changes nothing, and still lets schedules be brought back', async () => {
      const registry = await make();
      const manifest = manifestOf(uniqueName('project'), everything);
      const first = await registry.apply(applyRequest(manifest, 0));
      let calls = 0;
      const again = applyRequest(manifest, 1, {
        now: micros(NOW + 5n),
        by: 'bob@example.com',
        beforeCommit: async () => {
          calls++;
        },
      });
      expect(await registry.apply(again)).toEqual(first);
      expect(await registry.load(manifest.project)).toEqual(first);
      expect(calls).toBe(1);
      expect(await registry.history(manifest.project, 100)).toHaveLength(8);
    });

    test('is refused when something else was applied since the plan was made', async () => {
      const registry = await make();
      const project = uniqueName('project');
      await registry.apply(applyRequest(manifestOf(project, everything), 0));
      const stale = registry.apply(applyRequest(manifestOf(project, {}), 0));
      await expect(stale).rejects.toMatchObject({
        code: 'PLAN_DRIFTED',
        message: `Cannot apply to project "${project}": the plan was made at revision 0, and revision 1 has been applied since. Make a new plan.`,
      });
      const early = registry.apply(applyRequest(manifestOf(project, {}), 2));
      await expect(early).rejects.toMatchObject({ code: 'PLAN_DRIFTED' });
      expect((await registry.load(project))?.revision).toBe(1);
    });

    test('two manifests at once lets one win, and tells the other that an apply is running', async () => {
      const [one, other] = [await make(), await make()];
      const project = uniqueName('project');
      const inside = Promise.withResolvers<void>();
      const mayEnd = Promise.withResolvers<void>();
      const slow = one.apply(
        applyRequest(manifestOf(project, everything), 0, {
          beforeCommit: async () => {
            inside.resolve();
            await mayEnd.promise;
          },
        }),
      );
      await inside.promise;
      const refused = other.apply(applyRequest(manifestOf(project, {}), 0));
      await expect(refused).rejects.toMatchObject({ code: 'APPLY_CONFLICT' });
      const elsewhere = manifestOf(`${project}_2`, {});
      expect(await other.apply(applyRequest(elsewhere, 0))).toMatchObject({ revision: 1 });
      expect(await other.load(project)).toBeUndefined();
      mayEnd.resolve();
      expect(await slow).toMatchObject({ revision: 1 });
      const late = other.apply(applyRequest(manifestOf(project, {}), 0));
      await expect(late).rejects.toMatchObject({ code: 'PLAN_DRIFTED' });
    });

    test('ten manifests at once applies exactly one', async () => {
      const project = uniqueName('project');
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, async (_, index) => {
          const registry = await make();
          const views = [batchView(`view_${index}`)];
          return registry.apply(applyRequest(manifestOf(project, { views }), 0)).then(
            () => 'applied',
            (error: { code: string }) => error.code,
          );
        }),
      );
      expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(1);
      expect(new Set(outcomes)).toSatisfy((codes: Set<string>) =>
        [...codes].every((code) => ['applied', 'APPLY_CONFLICT', 'PLAN_DRIFTED'].includes(code)),
      );
      expect((await (await make()).load(project))?.manifest.views).toHaveLength(1);
    });

    test('nothing is applied when what runs before the commit throws, and its error is passed on', async () => {
      const registry = await make();
      const project = uniqueName('project');
      const before = await registry.apply(applyRequest(manifestOf(project, everything), 0));
      const failure = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      const apply = registry.apply(
        applyRequest(manifestOf(project, { views: [batchView('other')] }), 1, {
          beforeCommit: () => Promise.reject(failure),
        }),
      );
      await expect(apply).rejects.toBe(failure);
      expect(await registry.load(project)).toEqual(before);
      expect(await registry.history(project, 100)).toHaveLength(8);
      expect(await registry.servingVersions(project)).toEqual(
        new Map([
          ['clicks', 1],
          ['ratio', 1],
          ['visits', 1],
        ]),
      );
      expect(await registry.apply(applyRequest(manifestOf(project, {}), 1))).toMatchObject({ revision: 2 });
    });

    test('keeps projects apart and lists them', async () => {
      const registry = await make();
      const [a, b] = [uniqueName('a'), uniqueName('b')];
      await registry.apply(applyRequest(manifestOf(b, { entities: [user] }), 0));
      await registry.apply(applyRequest(manifestOf(a, everything), 0));
      const projects = await registry.projects();
      expect(projects).toEqual(projects.toSorted());
      expect(projects).toEqual(expect.arrayContaining([a, b]));
      expect((await registry.load(b))?.manifest).toEqual(manifestOf(b, { entities: [user] }));
    });
  });

  describe('history', () => {
    test('says who added, changed and removed what, when and from which commit, newest first', async () => {
      const registry = await make();
      const project = uniqueName('project');
      const apply = (revision: number, parts: Parameters<typeof manifestOf>[1], more = {}) =>
        registry.apply(applyRequest(manifestOf(project, parts), revision, more));
      await apply(0, { entities: [user], views: [visits], services: [service('churn', visits)] });
      await apply(
        1,
        { entities: [user], views: [{ ...visits, ttl: '3d' }, visits2] },
        { by: 'bob@example.com', commit: null, now: micros(NOW + 1n) },
      );
      await apply(2, { entities: [user], views: [visits2] }, { now: micros(NOW + 2n) });
      await apply(3, { entities: [user], views: [visits, visits2] }, { now: micros(NOW + 3n) });
      const changes = await registry.history(project, 100);
      expect(changes.map((of) => `${of.revision} ${of.change} ${of.kind} ${of.object}`)).toEqual([
        '4 added batch_view visits@v1',
        '3 removed batch_view visits@v1',
        '2 changed batch_view visits@v1',
        '2 added batch_view visits@v2',
        '2 removed feature_service churn',
        '1 added batch_view visits@v1',
        '1 added entity user',
        '1 added feature_service churn',
      ]);
      expect(changes[2]).toEqual({
        revision: 2,
        kind: 'batch_view',
        object: 'visits@v1',
        change: 'changed',
        by: 'bob@example.com',
        commit: null,
        at: NOW + 1n,
      });
      expect(changes[0]).toMatchObject({ by: 'ann@example.com', commit: 'c0ffee', at: NOW + 3n });
      expect(await registry.history(project, 2)).toEqual(changes.slice(0, 2));
      expect(await registry.history(uniqueName('none'), 10)).toEqual([]);
    });
  });

  registryRuntimeFacts(make);
}
