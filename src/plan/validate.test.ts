import { expect, test } from 'vitest';
import { featureRepo } from '../../test/support/feature-repo.ts';
import { timeOf } from '../core/time.ts';
import { loadRepo } from '../repo/load-repo.ts';
import { validate } from './validate.ts';

const NOW = timeOf('2026-03-01T12:00:00Z');

const BASE = `export const shop = project({ name: 'shop' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const events = parquetSource({ name: 'events', path: 'events.parquet', timestampField: 'at' });
const common = { version: 1, entities: [user], schedule: '0 * * * *', startTime: '2026-01-01T00:00:00Z' };
`;

async function findingsOf(...texts: string[]): Promise<readonly string[]> {
  const files = Object.fromEntries(texts.map((text, index) => [index === 0 ? 'a.ts' : `b${index}.ts`, text]));
  const { findings } = validate(
    await loadRepo(await featureRepo({ ...files, 'a.ts': `${BASE}${files['a.ts']}` })),
    NOW,
  );
  return findings.map(({ where, message }) => `${where}: ${message}`);
}

/** The findings of a view whose config is `common` with these fields over it. */
function view(fields: string): Promise<readonly string[]> {
  return findingsOf(
    `export const v = batchFeatureView({ name: 'v', ...common, source: events, features: { amount: 'float64' }, ${fields} });`,
  );
}

const AT = 'a.ts, batch view "v", ';

test('a sound repository has no findings', async () => {
  expect(await view(`ttl: '7d', dataDelay: '10m', freshnessSla: '26h', quality: [minRows(1)]`)).toEqual([]);
});

test.each([
  [`schedule: '0 0 30 2 *'`, 'schedule: found "0 0 30 2 *", allowed is a cron expression', 'it never fires'],
  [`schedule: '* * *'`, 'schedule: found "* * *"', 'five fields'],
  [`startTime: '2026-03-01T12:00:01Z'`, 'startTime: found 2026-03-01T12:00:01Z, which is in the future', ''],
  [`startTime: 'yesterday'`, 'startTime: found "yesterday", allowed is an ISO 8601 time', ''],
  [`startTime: undefined`, 'startTime: found nothing, allowed is', ''],
  [`ttl: '7 days'`, 'ttl: found "7 days", allowed is a duration above zero', ''],
  [`ttl: '0s'`, 'ttl: found "0s"', ''],
  [`ttl: '5m', dataDelay: '10m'`, 'ttl: found "5m", which is shorter than the data delay "10m"', ''],
  [`freshnessSla: '10m', dataDelay: '10m'`, 'freshnessSla: found "10m", which cannot be kept', ''],
  [`online: 'yes'`, 'online: found "yes", allowed is true or false', ''],
  [`name: 'V 1'`, 'name: found "V 1", allowed is a name of lower-case letters', ''],
  [`name: '__v'`, 'name: found "__v"', ''],
  [`version: 0`, 'version: found 0, allowed is a whole number from 1', ''],
  [`version: 1.5`, 'version: found 1.5', ''],
  [
    `entities: undefined`,
    'entities: found nothing, allowed is a list of entities ([] for a view without keys)',
    '',
  ],
  [`entities: [events]`, 'entities.0: found a source, allowed is an entity', ''],
  [`entities: user`, 'entities: found an entity, allowed is a list of entities', ''],
  [`features: {}`, 'features: found an empty object, allowed is', ''],
  [`features: { 'Big One': 'float64' }`, 'features.Big One: found the name "Big One"', ''],
  [
    `features: { amount: 'decimal' }`,
    'features.amount: found "decimal", allowed is one of bool',
    'vector(n)',
  ],
  [`features: { user_id: 'int64' }`, 'features.user_id: found a feature named like the join key', ''],
  [`ttls: '7d'`, 'config: found the unknown field "ttls" (did you mean "ttl"?)', 'allowed are name, version'],
  [`quality: [between('amout', 0, 1)]`, 'quality.0.feature: found "amout"', 'did you mean "amount"'],
  [`quality: [between('amount', 2, 1)]`, 'quality.0: found the bounds 2 and 1', ''],
  [`quality: [between('amount', null, null)]`, 'quality.0: found no bound', ''],
  [`quality: [maxNullShare('amount', 20)]`, 'quality.0.share: found 20, allowed is a number from 0 to 1', ''],
  [`quality: [{ kind: 'unique' }]`, 'quality.0', 'a rule made by minRows()'],
  [`tags: { team: 1 }`, 'tags.team: found 1, allowed is text', ''],
  [`source: undefined`, 'source: found nothing, allowed is a source made by parquetSource()', ''],
])('a batch view with %s is told so', async (fields, start, part) => {
  const findings = await view(fields);
  const found = findings.filter((each) => each.startsWith(`a.ts, batch view`));
  expect(
    found.map((each) => each.replace(/^a\.ts, batch view "[^"]*"(?: v\d+(?:\.\d+)?| v0)?, /, '')),
  ).toEqual([expect.stringContaining(start)]);
  expect(found[0]).toContain(part);
});

test('a batch view has exactly one of its three forms', async () => {
  const both = await view(`aggregations: { n: count('7d') }`);
  expect(both).toEqual([
    expect.stringContaining('found aggregations and features, allowed is exactly one of'),
  ]);
  const none = await view('features: undefined');
  expect(none).toEqual([expect.stringContaining('found none of aggregations, sql and features')]);
});

test('every mistake in aggregations is told at once', async () => {
  const findings = await findingsOf(`
export const v = batchFeatureView({ name: 'v', ...common, source: events, aggregations: {
  a: count('7 days'), b: avg('x', '0s'), c: quantile('x', 95, '1d'), d: collectList('x', 0, '1d'),
  e: ratio(count('1d'), sum('', '1d')), f: sum('x', '1d', { were: 'y > 1' }), g: min('x', '1d', { where: ' ' }),
  h: 'count', 'I': count('1d'), j: avg('x', '1d', { type: 'money' }),
} });`);
  expect(findings.map((each) => each.slice(AT.length).split(':')[0])).toEqual([
    'aggregations.I',
    'aggregations.a.window',
    'aggregations.b.window',
    'aggregations.c.argument',
    'aggregations.d.argument',
    'aggregations.e.denominator.column',
    'aggregations.f',
    'aggregations.g.where',
    'aggregations.h',
    'aggregations.j.type',
  ]);
  expect(findings.join('\n')).toContain('found the unknown field "were" (did you mean "where"?)');
});

test('a query must say which interval it computes', async () => {
  const sql = (query: string) =>
    findingsOf(
      `export const v = batchFeatureView({ name: 'v', ...common, sources: [events], sql: ${JSON.stringify(query)}, features: { n: 'int64' } });`,
    );
  expect(await sql('select * from events')).toEqual([expect.stringContaining(`${AT}sql: found a query`)]);
  expect(await sql('select * from events where at >= $interval_start and at < $interval_end')).toEqual([]);
});

test('names are unique, and a second definition names the first', async () => {
  const findings = await findingsOf(
    `export const v = batchFeatureView({ name: 'v', ...common, source: events, features: { a: 'int64' } });`,
    `import { events, user } from './a.ts';
export const again = batchFeatureView({ name: 'v', version: 1, entities: [user], schedule: '0 * * * *', startTime: '2026-01-01', source: events, features: { a: 'int64' } });
export const second = batchFeatureView({ name: 'v', version: 2, entities: [user], schedule: '0 * * * *', startTime: '2026-01-01', source: events, features: { a: 'int64' } });
export const user2 = entity({ name: 'user', joinKeys: { user_id: 'string' } });
export const onDemand = onDemandFeatureView({ name: 'v', version: 3, inputs: { r: requestSource({ x: 'int64' }) }, features: { y: 'int64' }, transform: () => ({ y: 1n }) });`,
  );
  expect(findings).toEqual([
    'b1.ts, entity "user", name: found again, it is defined in a.ts, entity "user"; allowed is once',
    'b1.ts, batch view "v", name and version: found again, it is defined in a.ts, batch view "v"; allowed is once',
    'b1.ts, on-demand view "v" v3, name: found the name of a.ts, batch view "v"; allowed is a name of its own',
    'b1.ts, entity "user", joinKeys.user_id: found string, while a.ts, entity "user" says int64; allowed is one type for one join key',
  ]);
});

test('two entities of one view may not share a join key', async () => {
  const findings = await findingsOf(`
export const member = entity({ name: 'member', joinKeys: { user_id: 'int64', club_id: 'int64' } });
export const v = batchFeatureView({ name: 'v', ...common, entities: [user, member], source: events, features: { a: 'int64' } });`);
  expect(findings).toEqual([expect.stringContaining(`${AT}entities.1: found the join key "user_id"`)]);
});

test('on-demand inputs and services name exported views and their features', async () => {
  const findings = await findingsOf(`
const hidden = batchFeatureView({ name: 'hidden', ...common, source: events, features: { a: 'int64' } });
export const v = batchFeatureView({ name: 'v', ...common, source: events, features: { amount: 'int64' } });
export const v2 = batchFeatureView({ name: 'v', ...common, version: 2, source: events, features: { amount: 'int64' } });
export const d = onDemandFeatureView({ name: 'd', inputs: { hidden, r: requestSource({ x: 'int64' }), s: requestSource({ x: 'string', y: 'number' }), t: user },
  features: { z: 'int64' }, transform: 'none' });
export const s = featureService({ name: 's', features: [v.pick('amout'), v2, hidden.pick(), d, events] });`);
  expect(findings).toEqual([
    expect.stringContaining('inputs.t: found an entity, allowed is a batch view, or request data'),
    expect.stringContaining('transform: found "none", allowed is a function of the inputs'),
    expect.stringContaining('inputs.hidden: found view hidden@v1, which no file of this repository exports'),
    expect.stringContaining('inputs.s.fields.y: found "number", allowed is one of bool'),
    expect.stringContaining('inputs.s.fields.x: found string, while another input says int64'),
    expect.stringContaining('features.4: found a source, allowed is a feature view'),
    expect.stringContaining(
      'features.0: found "amout", which is no feature of view "v" (did you mean "amount"?)',
    ),
    expect.stringContaining('features.1: found view "v" at the versions 1 and 2'),
    expect.stringContaining('features.2: found view hidden@v1, which no file'),
    expect.stringContaining('features.2: found pick() of no feature, allowed are a'),
  ]);
});

test('configs that are nothing at all are told, not crashed on', async () => {
  const findings = await findingsOf(`
export const a = batchFeatureView(undefined); export const b = entity(null); export const c = featureService('x');
export const d = parquetSource([]); export const e = batchFeatureView({ name: 5, aggregations: 7, entities: 3, quality: 'x' });
export const f = featureService({ name: 'f', features: { a: 1 } }); export const g = onDemandFeatureView({ inputs: 3 });`);
  expect(findings.length).toBeGreaterThan(10);
  expect(findings.join('\n')).toContain('batch view exported as a, config: found nothing');
});
