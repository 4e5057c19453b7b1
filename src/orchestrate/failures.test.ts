import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { TidemarkError } from '../core/errors.ts';
import { fromFailure, toFailure } from './failures.ts';

test('an error of ours crosses the border with its code, and its code says whether to retry', () => {
  const wrong = toFailure(new TidemarkError('QUERY_INVALID', 'Cannot use it.'), 1);
  expect(wrong).toMatchObject({ type: 'QUERY_INVALID', nonRetryable: true });
  expect(toFailure(new TidemarkError('STORE_UNAVAILABLE', 'Away.'), 9)).toMatchObject({
    nonRetryable: false,
  });
  expect(fromFailure(new Error('workflow failed', { cause: wrong }))).toMatchObject({
    code: 'QUERY_INVALID',
    message: 'Cannot use it.',
  });
});

test('what waiting does not heal is tried three times, and what it may heal as often as its workflow says', () => {
  const lasting = new TidemarkError('SOURCE_UNREADABLE', 'It is no Parquet file.', { lasting: true });
  const passing = new TidemarkError('SOURCE_UNREADABLE', 'The server does not answer.');
  const retried = (error: TidemarkError) =>
    [1, 2, 3, 4].map((attempt) => {
      const failure = toFailure(error, attempt);
      return failure instanceof ApplicationFailure && failure.nonRetryable !== true;
    });
  expect(retried(lasting)).toEqual([true, true, false, false]);
  expect(retried(passing)).toEqual([true, true, true, true]);
});

test('a cancellation stays one on both sides', () => {
  expect(toFailure(new TidemarkError('CANCELLED', 'Stopped.'), 1)).toBeInstanceOf(CancelledFailure);
  expect(fromFailure(new Error('x', { cause: new CancelledFailure('y') }))).toMatchObject({
    code: 'CANCELLED',
  });
});

test.each([4, 14])('a Temporal that is away (gRPC code %i) is one clear error', (code) => {
  const away = Object.assign(new Error('14 UNAVAILABLE: connect ECONNREFUSED'), { code });
  const error = fromFailure(new Error('Failed to get Workflow execution history', { cause: away }));
  expect(error).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('does not answer'),
  });
});

test('whatever else was thrown is INTERNAL, with its own words', () => {
  expect(fromFailure(ApplicationFailure.create({ type: 'Nonsense', message: 'odd' }))).toMatchObject({
    code: 'INTERNAL',
    message: 'odd',
  });
});
