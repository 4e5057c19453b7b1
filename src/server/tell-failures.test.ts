import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { post, servedApp } from '../../test/support/served-app.ts';
import { tellFailures } from './tell-failures.ts';

function recording() {
  const lines: object[] = [];
  return { lines, log: { warn: (facts: object) => void lines.push(facts), error() {} } };
}

test('a function that fails in every request is logged once, and counted in all of them', async () => {
  const { lines, log } = recording();
  const { start } = servedApp();
  const app = start({ log });
  for (let times = 0; times < 20; times++) {
    const entities = { user_id: [1, 1], amount: [13, 1] };
    const { json } = await post({ features: ['fragile:luck'], entities }, app);
    expect(json.results[1].statuses).toEqual(['INVALID', 'PRESENT']);
  }
  expect(lines).toEqual([{ view: 'fragile', version: 1, rows: 1, error: 'it threw: unlucky' }]);
  const { body } = await app.inject('/metrics');
  expect(body).toContain('tidemark_on_demand_failures_total{view="fragile",version="1"} 20');
  await app.close();
});

test('after a pause the rows that failed meanwhile are told too, of each view on its own', async () => {
  const { lines, log } = recording();
  const tell = tellFailures(log, 50);
  const failure = (view: string, rows: number) => ({ view, version: 1, rows, error: 'x' });
  tell([failure('a', 1), failure('b', 2)]);
  tell([failure('a', 3)]);
  tell([failure('a', 4)]);
  await sleep(60);
  tell([failure('a', 5)]);
  tell([failure('b', 6)]);
  expect(lines).toMatchObject([
    { view: 'a', rows: 1 },
    { view: 'b', rows: 2 },
    { view: 'a', rows: 12 },
    { view: 'b', rows: 6 },
  ]);
});
