import { beforeAll, expect, test } from 'vitest';
import { applyRepo } from '../../src/cli/commands/apply.ts';
import { serveHere } from '../../src/cli/serve-here.ts';
import { addDuration, durationOf, formatTime, timeOf } from '../../src/core/time.ts';
import { appliedBatchView } from '../../src/registry/applied-manifest.ts';
import { loadRepo } from '../../src/repo/load-repo.ts';
import { featureRepo } from '../support/feature-repo.ts';
import { materializeHere } from '../support/materialize-here.ts';
import { appliedProject, type TestProject } from '../support/project.ts';

/** A push source whose column gets another type while rows of the old one are still on their way to a file. */
const definitions = (amount: string) => `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const orders = pushSource({
  name: 'orders', columns: { user_id: 'int64', amount: '${amount}' }, timestampField: 'at',
});
export const spend = batchFeatureView({
  name: 'spend', version: 1, entities: [user], source: orders,
  schedule: '0 0 * * *', startTime: '2026-03-01', features: { amount: 'float64' },
});
`;
const DAY = timeOf('2026-03-01');

let project: TestProject;

beforeAll(async () => {
  project = await appliedProject({ definitions: definitions('int32'), data: {} });
});

async function applied(amount: string) {
  const dir = await featureRepo({
    'definitions.ts': definitions(amount).replaceAll('<project>', project.name),
  });
  return applyRepo({ ...project, repo: await loadRepo(dir) });
}

test('rows pushed before and after a column was widened are computed together; narrowing it is refused', async () => {
  const server = await serveHere(project, 0);
  const push = async (user: number, amount: number) => {
    const at = formatTime(addDuration(DAY, durationOf(`${user}m`)));
    const body = {
      push_source_name: 'orders',
      to: 'offline',
      df: { user_id: [user], amount: [amount], at: [at] },
    };
    const { status } = await fetch(`${server.url}/push`, { method: 'POST', body: JSON.stringify(body) });
    return status;
  };
  expect(await push(1, 7)).toBe(200);
  expect(await push(2, 2.5)).toBe(400);
  await expect(applied('float32')).rejects.toMatchObject({
    code: 'BREAKING_CHANGE',
    message: expect.stringContaining(
      'source "orders": columns.amount: int32 → float32. Rows that were pushed',
    ),
  });
  expect(await applied('float64')).toMatchObject({ kind: 'applied' });
  await expect.poll(() => push(2, 2.5), { timeout: 30_000 }).toBe(200);
  await server.close();

  const registry = await project.platform.registry();
  const view = await appliedBatchView(registry, { project: project.name, view: 'spend', version: 1 });
  const range = { start: DAY, end: addDuration(DAY, durationOf('1d')) };
  expect(await materializeHere(project, { view, range })).toMatchObject({ rows: 2 });
  await expect(applied('int32')).rejects.toMatchObject({ code: 'BREAKING_CHANGE' });
});
