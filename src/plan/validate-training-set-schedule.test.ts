import { expect, test } from 'vitest';
import { featureRepo } from '../../test/support/feature-repo.ts';
import { timeOf } from '../core/time.ts';
import { loadRepo } from '../repo/load-repo.ts';
import { validate } from './validate.ts';

const BASE = `export const shop = project({ name: 'shop' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const events = parquetSource({ name: 'events', path: 'events.parquet', timestampField: 'at' });
export const view = batchFeatureView({ name: 'view', version: 1, entities: [user], source: events, schedule: '0 * * * *', startTime: '2026-01-01', features: { amount: 'float64' } });
export const model = featureService({ name: 'model', features: [view] });
const hidden = featureService({ name: 'hidden', features: [view] });
const spine = { parquet: 'labels.parquet', timestampField: 'at' };
const common = { name: 'daily', schedule: '0 6 * * *', spine };
`;

async function findingsOf(text: string): Promise<readonly string[]> {
  const repo = await loadRepo(await featureRepo({ 'a.ts': `${BASE}${text}` }));
  return validate(repo, timeOf('2026-03-01')).findings.map(({ where, message }) => `${where}: ${message}`);
}

const AT = 'a.ts, training set schedule "daily", ';
const set = (fields: string) =>
  findingsOf(
    `export const daily = trainingSetSchedule({ ...common, ${/^(service|features):/.test(fields) ? '' : 'service: model,'} ${fields} });`,
  );

test.each([
  ['csv', `spine: { csv: 'labels/*.csv', timestampField: 'at' }`],
  ['JSON lines on S3', `spine: { json: 's3://bucket/labels.jsonl', timestampField: 'at' }`],
  ['a query', `spine: { query: 'SELECT 1', timestampField: 'at' }, dataDelay: '1h'`],
  ['a query in Postgres', `spine: { query: 'SELECT 1', urlEnv: 'WAREHOUSE_URL', timestampField: 'at' }`],
  ['no entity rows', `spine: { last: '7d', timestampField: 'at' }, knownAt: 'tick'`],
  [
    'all options',
    `knownAt: '2026-01-01', fullNames: true, split: 'time:80/20', format: 'csv', rowsPerFile: 10, statistics: false, paused: true, label: { column: 'y' }, owner: 'growth@example.com', tags: { a: 'b' }, description: 'c'`,
  ],
  ['a label view', `label: { view, feature: 'amount', horizon: '24h' }`],
  ['a label view by name', `label: { view: 'view', feature: 'amount', horizon: '24h' }`],
  [
    'aliases',
    `aliases: [{ view, prefix: 'A_' }, { view: 'view', prefix: 'to_', keys: { user_id: 'Far away' } }]`,
  ],
  ['no aliases', 'aliases: []'],
  ['features', `features: [view, view.pick('amount'), 'view@v1:amount']`],
])('a schedule with %s is sound', async (_, fields) => {
  expect(await set(fields)).toEqual([]);
});

test.each([
  [`schedule: '0 6 * *'`, 'schedule: found "0 6 * *", allowed is a cron expression', 'five fields'],
  [`shedule: '0 6 * * *'`, 'config: found the unknown field "shedule" (did you mean "schedule"?)', ''],
  [`spine: undefined`, 'spine: found nothing, allowed is an object with exactly one of parquet, csv', ''],
  [`spine: 'labels.parquet'`, 'spine: found "labels.parquet", allowed is an object', ''],
  [`spine: { timestampField: 'at' }`, 'spine: found none, allowed is exactly one of parquet, csv', ''],
  [`spine: { ...spine, csv: 'x.csv' }`, 'spine: found parquet and csv, allowed is exactly one of', ''],
  [`spine: { ...spine, urlEnv: 'X' }`, 'spine: found the unknown field "urlEnv"', ''],
  [`spine: { parquet: 'x.parquet' }`, 'spine.timestampField: found nothing, allowed is the name', ''],
  [`spine: { ...spine, parquet: 'https://x' }`, 'spine.parquet: found an address that is not s3://', ''],
  [
    `spine: { query: 'SELECT 1', urlEnv: 'postgres://me:secret@host/db', timestampField: 'at' }`,
    'spine.urlEnv: found no name of an environment variable',
    '',
  ],
  [
    `spine: { last: '7 days', timestampField: 'at' }`,
    'spine.last: found "7 days", allowed is a duration',
    '',
  ],
  [`service: 'model'`, 'service: found "model", allowed is a feature service made by featureService()', ''],
  [`service: hidden`, 'service: found service "hidden", which no file of this repository exports', ''],
  [`service: undefined`, 'config: found neither service nor features, allowed is exactly one', ''],
  [
    `service: model, features: [view]`,
    'config: found service and features, allowed is exactly one of the two',
    '',
  ],
  [`features: []`, 'features: found an empty list', 'at least one feature'],
  [`features: ['amount']`, 'features.0: found "amount", allowed is a feature view', ''],
  [
    `features: [view.pick('amout')]`,
    'features.0: found "amout", which is no feature of view "view" (did you mean "amount"?)',
    '',
  ],
  [`knownAt: 'tomorrow'`, 'knownAt: found "tomorrow", allowed is any, row, tick or an ISO 8601 time', ''],
  [`split: 'tim:80/20'`, 'split: found "tim:80/20", allowed is time:80/10/10, entity:80/10/10', ''],
  [`split: 'time:80/30'`, 'split: found "time:80/30"', 'add up to 100'],
  [`format: 'xlsx'`, 'format: found "xlsx", allowed is one of parquet, csv', ''],
  [`rowsPerFile: 0`, 'rowsPerFile: found 0, allowed is a whole number of at least 1', ''],
  [`dataDelay: 'soon'`, 'dataDelay: found "soon", allowed is a duration', ''],
  [`label: 'y'`, 'label: found "y", allowed is an object with the fields view, feature, horizon', ''],
  [`label: { view, feature: 'amount' }`, 'label.horizon: found nothing, allowed is a duration', ''],
  [`label: { view: model, feature: 'a', horizon: '1d' }`, 'label.view: found a feature service', ''],
  [`aliases: { view, prefix: 'a_' }`, 'aliases: found an object, allowed is a list of aliases', ''],
  [`aliases: ['a_']`, 'aliases.0: found "a_", allowed is an object with the fields view, prefix, keys', ''],
  [
    `aliases: [{ view: model, prefix: 'a_' }]`,
    'aliases.0.view: found a feature service, allowed is a batch',
    '',
  ],
  [`aliases: [{ view, prefix: '2_' }]`, 'aliases.0.prefix: found "2_", allowed is letters, digits', ''],
  [
    `aliases: [{ view, prefix: 'a_', keys: ['x'] }]`,
    'aliases.0.keys: found a list, allowed is an object',
    '',
  ],
  [
    `aliases: [{ view, prefix: 'a_', keys: { k: '' } }]`,
    'aliases.0.keys.k: found "", allowed is the name',
    '',
  ],
  [
    `aliases: [{ view, prefx: 'a_', prefix: 'a_' }]`,
    'aliases.0: found the unknown field "prefx" (did you',
    '',
  ],
  [`paused: 'yes'`, 'paused: found "yes", allowed is true or false', ''],
])('a schedule with %s is told so', async (fields, start, part) => {
  const findings = await set(fields);
  expect(findings).toEqual([expect.stringContaining(`${AT}${start}`)]);
  expect(findings[0]).toContain(part);
});

test('every mistake is told at once, and a name is used once', async () => {
  const findings = await findingsOf(`
export const daily = trainingSetSchedule({ ...common, spine: {}, label: {}, split: 'x', features: [1] });
export const again = trainingSetSchedule({ ...common, service: model });`);
  expect(findings.map((each) => each.slice(AT.length).split(':')[0])).toEqual([
    'split',
    'features.0',
    'spine',
    'label.view',
    'label.feature',
    'label.horizon',
    'name',
  ]);
  expect(findings.at(-1)).toContain('found again, it is defined in a.ts, training set schedule "daily"');
});
