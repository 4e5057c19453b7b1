import { expect, test } from 'vitest';
import { messageOf } from './errors.ts';

test('an error that is several without a text of its own is told by the first of them', () => {
  const refused = [new Error('connect ECONNREFUSED ::1:1'), new Error('connect ECONNREFUSED 127.0.0.1:1')];
  expect(messageOf(new AggregateError(refused))).toBe('connect ECONNREFUSED ::1:1');
  expect(messageOf(new AggregateError(refused, 'both refuse'))).toBe('both refuse');
  expect(messageOf(new AggregateError([]))).toBe('');
  expect(messageOf('text')).toBe('text');
});
