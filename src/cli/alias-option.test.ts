import { expect, test } from 'vitest';
import { aliasesOf } from './alias-option.ts';

test('an alias is a view, the prefix of its columns, and the columns that its keys are read from', () => {
  expect(aliasesOf([])).toEqual([]);
  expect(
    aliasesOf(['weather:here_', 'weather:there_:airport=dest', 'weather:far_:airport=Far away,day=d']),
  ).toEqual([
    { view: 'weather', prefix: 'here_', keys: {} },
    { view: 'weather', prefix: 'there_', keys: { airport: 'dest' } },
    { view: 'weather', prefix: 'far_', keys: { airport: 'Far away', day: 'd' } },
  ]);
});

test.each([
  ['weather', 'write view:prefix_:key=column'],
  ['weather:', 'write view:prefix_:key=column'],
  ['weather@v2:there_', 'write view:prefix_:key=column'],
  ['weather:there_:airport', 'write view:prefix_:key=column'],
  ['weather:there_:airport=', 'write view:prefix_:key=column'],
  ['weather:there_:a=b,', 'write view:prefix_:key=column'],
  ['weather:there_:a=b,a=c', 'it names "a" twice'],
])('--alias %j is one clear error', (text, said) => {
  expect(() => aliasesOf([text])).toThrow(said);
});
