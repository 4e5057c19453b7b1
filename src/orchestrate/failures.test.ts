import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { TidemarkError } from '../core/errors.ts';
import { fromFailure, toFailure } from './failures.ts';

test('an error of ours crosses the border with its code, and its code says whether to retry', () => {
  const wrong = toFailure(new TidemarkError('QUERY_INVALID', 'Cannot use it.'));
  expect(wrong).toMatchObject({ type: 'QUERY_INVALID', nonRetryable: true });
  expect(toFailure(new TidemarkError('STORE_UNAVAILABLE', 'Away.'))).toMatchObject({ nonRetryable: false });
  expect(fromFailure(new Error('workflow failed', { cause: wrong }))).toMatchObject({
    code: 'QUERY_INVALID',
    message: 'Cannot use it.',
  });
});

test('a cancellation stays one on both sides', () => {
  expect(toFailure(new TidemarkError('CANCELLED', 'Stopped.'))).toBeInstanceOf(CancelledFailure);
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
