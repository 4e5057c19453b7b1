import { expect, test } from 'vitest';
import { redactAddress, redactError } from './redact-address.ts';

test.each([
  ['at "postgresql://u:p%40ss@h:1/db": refused', 'at "postgresql://u:…@h:1/db": refused'],
  ['postgres://u:a@b@h/db?sslmode=require', 'postgres://u:…@h/db?sslmode=require'],
  ['postgres://h/db?user=u&password=hidden&x=1', 'postgres://h/db?user=u&password=…&x=1'],
  ['postgres://u@h/db and s3://bucket/key', 'postgres://u@h/db and s3://bucket/key'],
])('%s is told as %s', (text, expected) => {
  expect(redactAddress(text)).toBe(expected);
});

test('what caused an error is redacted with it', () => {
  const inner = new Error('Unable to connect to Postgres at "postgres://u:hidden@h/db"');
  const outer = new Error(`It failed: ${inner.message}`, { cause: inner });
  redactError(outer);
  expect(`${outer.stack} ${outer.message} ${inner.stack} ${inner.message}`).not.toContain('hidden');
});
