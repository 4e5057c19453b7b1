import { expect, test } from 'vitest';
import { materializeId } from '../../src/orchestrate/ids.ts';
import { createSchedules } from '../../src/orchestrate/schedules.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { appliedProject } from '../support/project.ts';
import { shop } from '../support/shop.ts';

test('a definition pauses and resumes its schedule, and leaves a pause by hand alone', async () => {
  const project = await appliedProject(shop('0 * * * *'));
  const target = { project: project.name, view: 'spend', version: 1 };
  const view = await appliedBatchView(await project.platform.registry(), target);
  const { client } = await project.platform.temporal();
  const schedules = createSchedules(client);
  const handle = client.schedule.getHandle(materializeId(target));
  const isPaused = async () => (await handle.describe()).state.paused;

  await schedules.upsert({ ...view, paused: true }, project.name);
  expect(await isPaused()).toBe(true);
  await schedules.upsert(view, project.name);
  expect(await isPaused()).toBe(false);
  await handle.pause('by hand');
  await schedules.upsert(view, project.name);
  expect(await isPaused()).toBe(true);
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
