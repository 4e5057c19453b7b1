import { expect, test } from 'vitest';
import { materializeId, trainingSetScheduleId } from '../../src/orchestrate/ids.ts';
import { createSchedules } from '../../src/orchestrate/schedules.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { appliedProject } from '../support/project.ts';
import { shop } from '../support/shop.ts';
import { trainingSetSpec } from '../support/specs.ts';

test('a definition pauses and resumes its schedule, and leaves a pause by hand alone', async () => {
  const project = await appliedProject(shop('0 * * * *'));
  const target = { project: project.name, view: 'spend', version: 1 };
  const view = await appliedBatchView(await project.platform.registry(), target);
  const { client } = await project.platform.temporal();
  const schedules = createSchedules(client);
  const handle = client.schedule.getHandle(materializeId(target));
  const isPaused = async () => (await handle.describe()).state.paused;

  await handle.unpause();
  await schedules.upsert({ ...view, paused: true }, project.name);
  expect(await isPaused()).toBe(true);
  await schedules.upsert(view, project.name);
  expect(await isPaused()).toBe(false);
  await handle.pause('by hand');
  await schedules.upsert(view, project.name);
  expect(await isPaused()).toBe(true);
});

test('a scheduled training set fires on its ticks, is paused by its definition, and makes up for two periods', async () => {
  const project = await appliedProject(shop('0 * * * *'));
  const { client } = await project.platform.temporal();
  const schedules = createSchedules(client);
  const spec = trainingSetSpec({ schedule: '30 4 * * 1', dataDelay: '10m' });
  const handle = client.schedule.getHandle(trainingSetScheduleId(project.name, 'daily'));

  await schedules.upsertTrainingSet(spec, project.name);
  await schedules.upsertTrainingSet(spec, project.name);
  const { info, action, policies, state } = await handle.describe();
  expect(info.nextActionTimes[0]?.toISOString()).toMatch(/T04:30:00/);
  expect(action.args).toEqual([{ project: project.name, schedule: 'daily', waitMillis: 600_000 }]);
  expect(policies).toMatchObject({ overlap: 'ALLOW_ALL', catchupWindow: 14 * 86_400_000 });
  expect(state.paused).toBe(false);
  await schedules.upsertTrainingSet({ ...spec, schedule: '0 * * * *', paused: true }, project.name);
  const hourly = await handle.describe();
  expect(hourly.state.paused).toBe(true);
  expect(hourly.policies.catchupWindow).toBe(86_400_000);

  await schedules.removeTrainingSet(project.name, 'daily');
  await schedules.removeTrainingSet(project.name, 'daily');
  await expect(handle.describe()).rejects.toThrow();
});

test('a schedule of a fixed period fires one data delay after its ticks, others wait in the workflow', async () => {
  const project = await appliedProject(shop('0 * * * *'));
  const target = { project: project.name, view: 'spend', version: 1 };
  const view = await appliedBatchView(await project.platform.registry(), target);
  const { client } = await project.platform.temporal();
  const schedules = createSchedules(client);
  const handle = client.schedule.getHandle(materializeId(target));

  await schedules.upsert({ ...view, dataDelay: '10m' }, project.name);
  const next = (await handle.describe()).info.nextActionTimes[0];
  expect(next?.getUTCMinutes()).toBe(10);

  await schedules.upsert({ ...view, schedule: '30 4 * * 1', dataDelay: '10m' }, project.name);
  const weekly = await handle.describe();
  expect(weekly.info.nextActionTimes[0]?.getUTCMinutes()).toBe(30);
  expect(weekly.action.args).toEqual([expect.objectContaining({ waitMillis: 600_000 })]);

  await schedules.remove(target);
  await schedules.remove(target);
  await expect(handle.describe()).rejects.toThrow();
});
