import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { groupCommit } from './group-commit.ts';

test('what comes while a commit runs shares the next one', async () => {
  const groups: (readonly number[])[] = [];
  const commits = groupCommit<number>(async (items) => {
    groups.push(items);
    await sleep(5);
  });
  const first = commits.add(1);
  await sleep(1);
  await Promise.all([first, commits.add(2), commits.add(3), commits.add(4)]);
  expect(groups).toEqual([[1], [2, 3, 4]]);
});

test('a commit that fails rejects all that are in it, and nobody else', async () => {
  const commits = groupCommit<string>(async (items) => {
    await sleep(1);
    if (items.includes('bad')) throw new Error('the disk is full');
  });
  const together = [commits.add('good'), commits.add('bad')];
  await sleep(0);
  const outcomes = await Promise.allSettled([...together, sleep(2).then(() => commits.add('later'))]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
});

test('exclusive work runs between two commits, and its failure is its caller’s alone', async () => {
  let running = 0;
  const alone = async () => {
    running += 1;
    expect(running).toBe(1);
    await sleep(2);
    running -= 1;
  };
  const commits = groupCommit<number>(alone);
  const failing = commits.exclusively(async () => {
    await alone();
    throw new Error('not this time');
  });
  const all = [commits.add(1), commits.exclusively(alone), commits.add(2)];
  await expect(failing).rejects.toThrow('not this time');
  await Promise.all(all);
});
