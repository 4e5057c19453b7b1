import { expect, test } from 'vitest';
import { sayOnce } from './say-once.ts';

test('a text is said once, however often it comes, and again after ten minutes', () => {
  const said: string[] = [];
  let now = 0;
  const say = sayOnce(
    (text) => said.push(text),
    () => now,
  );
  for (const text of ['away', 'away', 'broken', 'away']) say(text);
  expect(said).toEqual(['away', 'broken']);
  now = 599_999;
  say('away');
  expect(said).toHaveLength(2);
  now = 600_000;
  say('away');
  say('away');
  expect(said).toEqual(['away', 'broken', 'away']);
});

test('what is remembered is bounded', () => {
  const said: string[] = [];
  const say = sayOnce(
    (text) => said.push(text),
    () => 0,
  );
  for (let text = 0; text <= 1_000; text++) say(String(text));
  say('1000');
  expect(said).toHaveLength(1_001);
  say('0');
  expect(said).toHaveLength(1_002);
});
