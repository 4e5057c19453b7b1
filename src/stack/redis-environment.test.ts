import { expect, test } from 'vitest';
import { redisEnvironment } from './redis-environment.ts';

test('Redis keeps small pieces of memory at hand, and the rest of the environment', () => {
  const { GLIBC_TUNABLES, ...rest } = redisEnvironment({ LANG: 'C' });
  expect(rest).toEqual({ LANG: 'C' });
  expect(GLIBC_TUNABLES?.split(':')).toEqual([
    'glibc.malloc.tcache_count=4096',
    'glibc.malloc.tcache_max=128',
  ]);
});

test('what the user set for the allocator is kept', () => {
  const own = { GLIBC_TUNABLES: 'glibc.malloc.arena_max=1' };
  expect(redisEnvironment(own)).toEqual(own);
});
