import { expect, test } from 'vitest';
import { functionDigest } from './function-digest.ts';

/** As a runtime gives it: only its text counts. */
function digestOfText(text: string): string {
  const transform = () => undefined;
  transform.toString = () => text;
  return functionDigest(transform);
}

test.each([
  ['line breaks and blanks', '({a,b})=>({s:a/b})', '({ a, b }) => ({\n  s: a / b\n})'],
  ['comments', '(x) => x.a / 2', '(x) => /* half */ x.a / 2 // of it'],
  ['types, which leave blanks', '(x) => f(x)', '(x        ) => f(x              )'],
  ['quotes', `(x) => x['a'] + "b"`, `(x) => x["a"] + 'b'`],
  ['commas before a closing bracket', '(x) => f([1, 2], { a, b })', '(x) => f(\n[1, 2,],\n{ a, b, },\n)'],
  ['a last semicolon', '(x) => { return f(x) }', '(x) => {\n  return f(x);\n}'],
  ['a chain over several lines', '(x) => x.map(f).at(-1)', '(x) => x\n  .map(f)\n  .at(-1)'],
  ['brackets around one parameter', 'x => x', '(x) => x'],
  ['a regular expression beside a division', '(x)=>/a b/.test(x)/2', '(x) => /a b/.test(x) / 2'],
])('%s do not count', (_what, one, other) => {
  expect(digestOfText(one)).toBe(digestOfText(other));
});

test.each([
  ['a number', '(x) => x / 2', '(x) => x / 3'],
  ['an operator', '(x) => x.a || 1', '(x) => x.a ?? 1'],
  ['blanks in a text', `(x) => 'a b'`, `(x) => 'a  b'`],
  ['blanks in a template', '(x) => `a b`', '(x) => `a  b`'],
  ['a comment in a text', `(x) => '/* a */'`, `(x) => ''`],
  ['blanks in a regular expression', '(x) => / a/.test(x)', '(x) => /a/.test(x)'],
  ['a line break that ends a statement', '(x) => { return x }', '(x) => { return\nx }'],
  ['two signs or one', '(x, y) => x + +y', '(x, y) => x++ + y'],
  ['the place of a sign', '(x) => { y\n++x }', '(x) => { y++\nx }'],
  ['a hole in a list', '(x) => [1,,]', '(x) => [1,]'],
  ['words that would run together', '(x) => typeof x', '(x) => typeofx'],
  ['a key that is a number', '(x) => x[1.5]', '(x) => x[15]'],
])('%s counts', (_what, one, other) => {
  expect(digestOfText(one)).not.toBe(digestOfText(other));
});

test('a function has the digest of its text', () => {
  expect(functionDigest((x: number) => x + 1)).toMatch(/^[0-9a-f]{64}$/);
  expect(functionDigest((x: number) => x + 1)).not.toBe(functionDigest((x: number) => x + 2));
});
