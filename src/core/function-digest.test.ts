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
  ['a division after a counter', '(i) => i++ / 2 / i', '(i) => i++/2/i'],
  ['a division after brackets', '(x) => (x.a + 1) / f(x) / 2', '(x) => (x.a+1)/f(x)/2'],
  ['a division of what is named like a keyword', '(x) => x.in / 2 / x?.case', '(x) => x.in/2/x?.case'],
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
  ['a text after a counter that is divided', `(i) => i++ / 2 + '/ a  b'`, `(i) => i++ / 2 + '/ a b'`],
  ['a text after a key that is divided', `(x) => x.in / 2 + '/ a  b'`, `(x) => x.in / 2 + '/ a b'`],
  [
    'blanks in what follows a condition',
    '(x) => { if (x) /a  b/.exec(x) }',
    '(x) => { if (x) /a b/.exec(x) }',
  ],
  ['blanks in what follows a block', '(x) => { {} /a  b/.exec(x) }', '(x) => { {} /a b/.exec(x) }'],
  ['a text after a template', `(x) => \`\${f('}\`')}\` + 'a  b'`, `(x) => \`\${f('}\`')}\` + 'a b'`],
  ['a key that is a number', '(x) => x[1.5]', '(x) => x[15]'],
])('%s counts', (_what, one, other) => {
  expect(digestOfText(one)).not.toBe(digestOfText(other));
});

test('a function has the digest of its text', () => {
  expect(functionDigest((x: number) => x + 1)).toMatch(/^[0-9a-f]{64}$/);
  expect(functionDigest((x: number) => x + 1)).not.toBe(functionDigest((x: number) => x + 2));
});

test('a function is read once', () => {
  let reads = 0;
  const transform = () => undefined;
  transform.toString = () => {
    reads += 1;
    return `() => ${reads}`;
  };
  expect(functionDigest(transform)).toBe(functionDigest(transform));
  expect(reads).toBe(1);
});

test('the digest of an ordinary function is what it was in registries of before', () => {
  const text = `({ request, spend }) => {
  const share = (request.amount + 1) / spend.total;
  return { share: /^a b/.test(request.name) ? share / 2 : \`\${spend['x']} %\` };
}`;
  expect(digestOfText(text)).toBe('b5fd1188be0f9f6e2b190bc0b9e49c51d6906274a4ad721276714ef6139dd3e0');
});
