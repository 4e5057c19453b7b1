import { expect, test } from 'vitest';
import { turnstile } from './turnstile.ts';

const LONG = 10_000;

test('one waits until there is room for it, and nobody overtakes it meanwhile', async () => {
  const gate = turnstile(4, LONG);
  const running = [gate.admit(2), gate.admit(2)];
  const large = gate.admit(6);
  expect(large).toBeInstanceOf(Promise);
  expect(gate.isTaken()).toBe(true);
  for (const release of running) {
    expect(gate.admit(1)).toBeUndefined();
    if (typeof release === 'function') release();
  }
  const release = await large;
  expect(gate.isTaken()).toBe(false);
  const next = gate.admit(1);
  release?.();
  expect(await next).toBeTypeOf('function');
});

test('whoever waits for too long is refused, and leaves its place to another', async () => {
  const gate = turnstile(4, 10);
  const running = gate.admit(4);
  expect(await gate.admit(1)).toBeUndefined();
  expect(gate.isTaken()).toBe(false);
  const next = gate.admit(1);
  if (typeof running === 'function') running();
  expect(await next).toBeTypeOf('function');
});
