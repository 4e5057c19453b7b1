import { expect, test } from 'vitest';
import { turnstile } from './turnstile.ts';

const LONG = 10_000;
const win = () => 0;
const lose = () => 0.999;

test('one waits until there is room for it, and nobody overtakes it meanwhile', async () => {
  const gate = turnstile(4, LONG, lose);
  const running = [gate.admit(2), gate.admit(2)];
  const large = gate.admit(6);
  expect(large).toBeInstanceOf(Promise);
  for (const release of running) {
    expect(gate.admit(1)).toBeUndefined();
    if (typeof release === 'function') release();
  }
  const release = await large;
  const next = gate.admit(1);
  release?.();
  expect(await next).toBeTypeOf('function');
});

test('whoever waits for too long is refused, and leaves its place to another', async () => {
  const gate = turnstile(4, 10);
  const running = gate.admit(4);
  expect(await gate.admit(1)).toBeUndefined();
  const next = gate.admit(1);
  if (typeof running === 'function') running();
  expect(await next).toBeTypeOf('function');
});

test('lots decide who waits, and whoever had the place is refused', async () => {
  const gate = turnstile(4, LONG, win);
  const running = gate.admit(4);
  const first = gate.admit(1);
  const second = gate.admit(1);
  expect(await first).toBeUndefined();
  if (typeof running === 'function') running();
  expect(await second).toBeTypeOf('function');
});

test.each([
  ['first', 0],
  ['in the middle', 10],
  ['last', 20],
])('a large one that comes %s has the place as often as its size says', async (_, place) => {
  let won = 0;
  for (let round = 0; round < 500; round += 1) {
    const gate = turnstile(4, LONG);
    const running = gate.admit(4);
    const waits = Array.from({ length: 21 }, (_none, at) => gate.admit(at === place ? 20 : 1));
    if (typeof running === 'function') running();
    if ((await waits[place]) !== undefined) won += 1;
  }
  // Half of them; a tenth off is seven standard deviations.
  expect(won).toBeGreaterThan(170);
  expect(won).toBeLessThan(330);
});
