import { describe, expect, test } from 'vitest';
import { consumerText } from '../../src/core/consumer.ts';
import type { FeatureServiceSpec } from '../../src/core/feature-service.ts';
import type { FeatureViewSpec } from '../../src/core/feature-view.ts';
import { micros } from '../../src/core/time.ts';
import type { TrainingSetScheduleSpec } from '../../src/core/training-set-schedule.ts';
import type { Registry } from '../../src/registry/registry.ts';
import type { ScheduledSet } from '../../src/registry/scheduled-set.ts';
import type { ServiceSet } from '../../src/registry/service-set.ts';
import { uniqueName } from '../support/services.ts';
import { trainingSetSpec } from '../support/specs.ts';
import { applyRequest, batchView, manifestOf, NOW, onDemandView, service } from './registry-fixture.ts';

export function registryRuntimeFacts(make: () => Promise<Registry>): void {
  const clicks = batchView('clicks');
  const visits = batchView('visits');
  const visits2 = batchView('visits', 2);

  /** Applies one set of views and services after another. */
  async function appliedTo(registry: Registry, project: string) {
    let revision = 0;
    return async (
      views: readonly FeatureViewSpec[],
      services: readonly FeatureServiceSpec[] = [],
      trainingSetSchedules: readonly TrainingSetScheduleSpec[] = [],
    ) => {
      const manifest = manifestOf(project, { views, services, trainingSetSchedules });
      const applied = await registry.apply(applyRequest(manifest, revision));
      revision = applied.revision;
    };
  }

  describe('what the ticks of a schedule gave', () => {
    test('is the newest tick of each schedule, and the last try of that tick', async () => {
      const registry = await make();
      const project = uniqueName('project');
      expect(await registry.lastScheduledSets(project)).toEqual([]);
      const set = (schedule: string, day: number, outcome: ScheduledSet['outcome']): ScheduledSet => ({
        project,
        schedule,
        tick: micros(NOW + BigInt(day)),
        endedAt: micros(NOW + 100n - BigInt(day)),
        outcome,
      });
      const built = { kind: 'built', id: 'f00d', rows: 5_000_000_000, reused: true } as const;
      const failed = { kind: 'failed', code: 'SPINE_INVALID', message: 'Cannot use the spine "x".' } as const;
      const [b2, a1] = [set('b', 2, failed), set('a', 1, built)];
      for (const one of [b2, set('b', 1, built), a1, { ...a1, project: `${project}_2` }]) {
        await registry.recordScheduledSet(one);
      }
      expect(await registry.lastScheduledSets(project)).toEqual([a1, b2]);
      const mended = set('b', 2, built);
      await registry.recordScheduledSet(mended);
      await registry.recordScheduledSet(mended);
      expect(await registry.lastScheduledSets(project)).toEqual([a1, mended]);
    });
  });

  describe('the training sets of a service', () => {
    test('are those that were built for it, newest first, each once, whatever is applied', async () => {
      const registry = await make();
      const project = uniqueName('project');
      const apply = await appliedTo(registry, project);
      await apply([clicks], [service('churn', clicks)]);
      const of = (asked: string, limit = 10) => registry.serviceSets({ project, service: asked, limit });
      expect(await of('churn')).toEqual([]);
      const set = (id: string, created: bigint): ServiceSet => ({
        project,
        service: 'churn',
        id,
        rows: 5_000_000_000,
        knownAt: 'row',
        createdAt: micros(NOW + created),
      });
      const [older, newer, alike] = [set('f00d', 1n), set('beef', 2n), set('cafe', 2n)];
      for (const one of [newer, older, alike, older]) await registry.addServiceSet(one);
      await registry.addServiceSet({ ...older, project: `${project}_2` });
      await registry.addServiceSet({ ...older, service: 'other' });
      expect(await of('churn')).toEqual([newer, alike, older]);
      expect(await of('churn', 1)).toEqual([newer]);
      // Its manifest was lost, and it was made again.
      const again = set('f00d', 3n);
      await registry.addServiceSet(again);
      await apply([clicks]);
      expect(await of('churn')).toEqual([again, newer, alike]);
    });
  });

  describe('serving versions', () => {
    test('begin at the lowest version applied first, and stay there when versions are added', async () => {
      const registry = await make();
      const project = uniqueName('project');
      const apply = await appliedTo(registry, project);
      expect(await registry.servingVersions(project)).toEqual(new Map());
      await apply([batchView('visits', 3), batchView('visits', 2)]);
      expect(await registry.servingVersions(project)).toEqual(new Map([['visits', 2]]));
      await apply([clicks, batchView('visits', 3), visits2, visits]);
      expect(await registry.servingVersions(project)).toEqual(
        new Map([
          ['clicks', 1],
          ['visits', 2],
        ]),
      );
    });

    test('are moved by hand, stay moved, and moving there again is no error', async () => {
      const registry = await make();
      const project = uniqueName('project');
      const apply = await appliedTo(registry, project);
      await apply([visits, visits2]);
      const v2 = { project, view: 'visits', version: 2 };
      await registry.setServingVersion(v2, 'ann@example.com');
      await registry.setServingVersion(v2, 'ann@example.com');
      await apply([visits, visits2, batchView('visits', 3)]);
      expect(await registry.servingVersions(project)).toEqual(new Map([['visits', 2]]));
    });

    test('cannot be moved to a version that is not applied', async () => {
      const registry = await make();
      const project = uniqueName('project');
      const apply = await appliedTo(registry, project);
      await apply([visits, visits2]);
      const move = (view: string, version: number) =>
        registry.setServingVersion({ project, view, version }, 'ann@example.com');
      await expect(move('visits', 3)).rejects.toMatchObject({
        code: 'UNKNOWN_VIEW',
        message: `Cannot serve visits@v3 in project "${project}": the registry has versions 1, 2 of it.`,
      });
      await expect(move('clicks', 1)).rejects.toMatchObject({ code: 'UNKNOWN_VIEW' });
      expect(await registry.servingVersions(project)).toEqual(new Map([['visits', 1]]));
    });

    test('end with the last version of a view, and begin anew when it comes back', async () => {
      const registry = await make();
      const project = uniqueName('project');
      const apply = await appliedTo(registry, project);
      await apply([clicks, visits, visits2]);
      await registry.setServingVersion({ project, view: 'visits', version: 2 }, 'ann@example.com');
      await apply([clicks]);
      expect(await registry.servingVersions(project)).toEqual(new Map([['clicks', 1]]));
      await apply([clicks, visits, visits2]);
      expect((await registry.servingVersions(project)).get('visits')).toBe(1);
    });

    test('move to the lowest version left when the serving one is removed', async () => {
      const registry = await make();
      const project = uniqueName('project');
      const apply = await appliedTo(registry, project);
      await apply([visits, visits2, batchView('visits', 3)]);
      await apply([visits2, batchView('visits', 3)]);
      expect(await registry.servingVersions(project)).toEqual(new Map([['visits', 2]]));
    });
  });

  describe('consumers', () => {
    test('are the services of the applied manifest, also those that read through an on-demand view', async () => {
      const registry = await make();
      const project = uniqueName('project');
      const apply = await appliedTo(registry, project);
      const ratio = onDemandView('ratio', clicks);
      await apply(
        [clicks, ratio, visits, visits2],
        [service('churn', ratio), service('abuse', clicks, visits)],
      );
      const of = async (view: string, version: number) =>
        (await registry.consumers({ project, view, version })).map(consumerText);
      expect(await of('clicks', 1)).toEqual(['feature service abuse', 'feature service churn']);
      expect(await of('ratio', 1)).toEqual(['feature service churn']);
      expect(await of('visits', 1)).toEqual(['feature service abuse']);
      expect(await of('visits', 2)).toEqual([]);
      await apply([clicks, ratio, visits, visits2], [service('churn', visits2)]);
      expect(await of('clicks', 1)).toEqual([]);
      expect(await of('visits', 1)).toEqual([]);
      expect(await of('visits', 2)).toEqual(['feature service churn']);
      expect(await registry.consumers({ project: `${project}_2`, view: 'visits', version: 2 })).toEqual([]);
    });

    test('are schedules of training sets, by pinned references and labels, as long as they are applied', async () => {
      const registry = await make();
      const project = uniqueName('project');
      const apply = await appliedTo(registry, project);
      const ratio = onDemandView('ratio', clicks);
      const references = ['ratio@v1:ratio', 'visits@v2:*', 'visits:sessions'];
      const daily = trainingSetSpec({ features: { kind: 'references', references } });
      const label = { view: 'visits', version: 1, feature: 'sessions', horizon: '1d' };
      const weekly = trainingSetSpec({
        name: 'weekly',
        features: { kind: 'service', service: 'churn' },
        label,
      });
      const views = [clicks, ratio, visits, visits2];
      await apply(views, [service('churn', visits2)], [daily, weekly]);
      const of = async (view: string, version: number) =>
        (await registry.consumers({ project, view, version })).map(consumerText);
      await registry.addTrainingSet('f00d', [{ project, view: 'visits', version: 2 }]);
      expect(await of('clicks', 1)).toEqual(['training set schedule daily']);
      expect(await of('ratio', 1)).toEqual(['training set schedule daily']);
      expect(await of('visits', 1)).toEqual(['training set schedule weekly']);
      expect(await of('visits', 2)).toEqual([
        'feature service churn',
        'training set schedule daily',
        'training set f00d',
      ]);
      await apply(views, [service('churn', visits2)], []);
      expect(await of('visits', 2)).toEqual(['feature service churn', 'training set f00d']);
      expect(await of('visits', 1)).toEqual([]);
    });

    test('are training sets too, recorded once however often they are built, and left there by an apply', async () => {
      const registry = await make();
      const project = uniqueName('project');
      const apply = await appliedTo(registry, project);
      await apply([clicks, visits, visits2], [service('churn', clicks)]);
      const at = (view: string, version: number) => ({ project, view, version });
      const twice = [at('clicks', 1), at('clicks', 1), at('visits', 2)];
      await Promise.all([registry.addTrainingSet('f00d', twice), registry.addTrainingSet('f00d', twice)]);
      await registry.addTrainingSet('beef', [at('clicks', 1)]);
      await registry.addTrainingSet('none', []);
      await apply([clicks, visits2]);
      expect(await registry.consumers(at('clicks', 1))).toEqual([
        { kind: 'training_set', name: 'beef' },
        { kind: 'training_set', name: 'f00d' },
      ]);
      expect(await registry.consumers(at('visits', 2))).toEqual([{ kind: 'training_set', name: 'f00d' }]);
      expect(await registry.consumers(at('visits', 1))).toEqual([]);
      await apply([clicks, visits2], [service('churn', clicks)]);
      expect((await registry.consumers(at('clicks', 1))).map(({ kind }) => kind)).toEqual([
        'feature_service',
        'training_set',
        'training_set',
      ]);
    });
  });
}
