import { expect, test } from 'vitest';
import { parseTableName } from './table-name.ts';

test.each([
  ['events', ['events']],
  ['shop.Events', ['shop', 'Events']],
  ['My Sch.Ev Tab', ['My Sch', 'Ev Tab']],
  ['"My Sch"."Ev Tab"', ['My Sch', 'Ev Tab']],
  ['"events.2026"', ['events.2026']],
  ['shop."a ""b"" .c"', ['shop', 'a "b" .c']],
  ['we"ird', ['we"ird']],
])('%s is the name %j', (text, parts) => expect(parseTableName(text)).toEqual({ ok: true, parts }));

test.each([
  ['"My Sch', /not closed/],
  ['shop."a""', /after a closing quote/],
  ['shop.', /empty/],
  ['.events', /empty/],
  ['""', /empty/],
  ['"a"b', /after a closing quote comes a point or nothing, not b/],
])('%s is no name, and it is said why', (text, reason) =>
  expect(parseTableName(text)).toMatchObject({ ok: false, reason: expect.stringMatching(reason) }),
);
