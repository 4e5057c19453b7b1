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
  const colons = fc.string({ unit: fc.constantFrom('"', ':', '\\', 'a', ' ', '{', ',', ']') });
  fc.assert(
    fc.property(
      fc.object({ key: colons, values: [colons, fc.integer(), fc.array(colons)] }),
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
