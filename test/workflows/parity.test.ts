import { expect, test } from 'vitest';
import { runWorkerHere } from '../../src/cli/worker-here.ts';
import { republish } from '../../src/materialize/republish.ts';
import { onlineTableOf } from '../../src/online/online-table.ts';
import { follow, startBackfill } from '../../src/orchestrate/runs.ts';
import { appliedBatchView, appliedManifest } from '../../src/registry/applied-manifest.ts';
import { checkParity } from '../../src/serving/check-parity.ts';
import { appliedProject, type TestProject } from '../support/project.ts';
import { shop } from '../support/shop.ts';

async function parityOf({ platform, name, home }: TestProject) {
  const manifest = await appliedManifest(await platform.registry(), name);
  return await checkParity(manifest, {
    ...(await platform.offline()),
    ledger: await platform.ledger(),
    online: await platform.online(),
    clock: platform.clock,
    offlineRoot: platform.config.offline,
    tempDir: home,
  });
}

test('every online value equals the as-of value, and a value that does not is found', async () => {
  const project = await appliedProject(shop('0 * * * *'));
  const target = { project: project.name, view: 'spend', version: 1 };
  const worker = await runWorkerHere(project);
  const { client } = await project.platform.temporal();
  try {
    await follow(await startBackfill(client, target), () => {});
  } finally {
    await worker.stop();
  }
  const [parity] = await parityOf(project);
  expect(parity).toMatchObject({ view: 'spend@v1', keys: 5, values: 25, differences: 0, examples: [] });

  const view = await appliedBatchView(await project.platform.registry(), target);
  const online = await project.platform.online();
  const table = onlineTableOf(project.name, view);
  for await (const [row] of online.scan(table)) {
    if (row === undefined) continue;
    const values = row.values.map((value, index) => (index === 1 ? 'another shop' : value));
    await online.write(table, [{ ...row, revision: row.revision + 1, values }]);
    break;
  }
  const [disturbed] = await parityOf(project);
  expect(disturbed?.differences).toBe(1);
  expect(disturbed?.examples[0]).toContain('favourite of ["');
});

test('what the online store has lost is published again from what is committed', async () => {
  const project = await appliedProject(shop('0 * * * *'));
  const target = { project: project.name, view: 'spend', version: 1 };
  const worker = await runWorkerHere(project);
  const { client } = await project.platform.temporal();
  try {
    await follow(await startBackfill(client, target), () => {});
  } finally {
    await worker.stop();
  }
  const view = await appliedBatchView(await project.platform.registry(), target);
  const online = await project.platform.online();
  const table = onlineTableOf(project.name, view);
  // The orders end at midnight: late in the day an aggregation of the last day has none of some users.
  let present = 0;
  for await (const rows of online.scan(table)) {
    present += rows.flatMap(({ values }) => values).filter((value) => value !== null).length;
  }
  expect(present).toBeGreaterThan(10);
  expect(await online.drop(table)).toBe(5);
  expect(await parityOf(project)).toMatchObject([{ keys: 5, differences: present }]);

  const { reader } = await project.platform.offline();
  const ledger = await project.platform.ledger();
  const again = { reader, ledger, online, clock: project.platform.clock };
  expect(await republish({ project: project.name, view }, again)).toEqual({ published: 5, written: 5 });
  expect(await parityOf(project)).toMatchObject([{ keys: 5, differences: 0 }]);
  expect(await republish({ project: project.name, view }, again)).toEqual({ published: 5, written: 0 });
});
