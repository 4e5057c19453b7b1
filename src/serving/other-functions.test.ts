import { expect, test } from 'vitest';
import { manifestOf, onDemandSpec } from '../../test/support/specs.ts';
import { functionDigest } from '../core/function-digest.ts';
import { otherFunctions } from './other-functions.ts';

const half = ({ request }: Readonly<Record<string, Readonly<Record<string, unknown>>>>) => ({
  share: Number(request?.amount) / 2,
});
const functions = new Map([['ratio@v1', half]]);

test('a function that is missing or has other code is told, one that was never noted is not', () => {
  const others = (digest: string | undefined, version = 1) =>
    otherFunctions(
      manifestOf([onDemandSpec({ version, ...(digest === undefined ? {} : { functionDigest: digest }) })]),
      functions,
    );
  expect(others(functionDigest(half))).toEqual([]);
  expect(others(undefined)).toEqual([]);
  expect(others('of other code')).toEqual(['ratio@v1']);
  expect(others(undefined, 2)).toEqual(['ratio@v2']);
});
