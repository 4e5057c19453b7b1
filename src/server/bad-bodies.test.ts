import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refusal, type ServedApp, servedApp } from '../../test/support/served-app.ts';

let app: ServedApp['app'];

beforeEach(() => {
  ({ app } = servedApp());
});
afterEach(() => app.close());

test.each([
  ['/get-online-features', '{"features":["activity:sessions"],"entities":{"user_id":[81],"user_id":[82]}}'],
  ['/push', '{"push_source_name":"clicks","entities":{"user_id":[81],"user_id":[81]}}'],
  ['/write-to-online-store', '{"entities":{"user_id":[81], "user_id" : [82]}}'],
])('a column that %s is given twice is refused, for the last would win', async (url, payload) => {
  const response = await app.inject({ method: 'POST', url, payload });
  expect([response.statusCode, response.json().error]).toEqual([
    400,
    {
      code: 'REQUEST_INVALID',
      message: 'Cannot read the request:\n  entities.user_id: stands twice in one object; send it once',
      problems: [{ where: 'entities.user_id', message: 'stands twice in one object; send it once' }],
    },
  ]);
});

async function problems(url: string, payload: string) {
  const response = await app.inject({ method: 'POST', url, payload });
  expect(response.json().error.code).toBe('REQUEST_INVALID');
  return response
    .json()
    .error.problems.map(({ where, message }: { where: string; message: string }) => `${where}: ${message}`);
}

test.each([
  ['/push', '{"df":{}}', ['push_source_name: is missing; expected text']],
  [
    '/push',
    '{"df":{"a":1},"push_source_name":""}',
    [
      'push_source_name: expected text that is not empty',
      'df.a: expected a list with one value for each row',
    ],
  ],
  [
    '/materialize-incremental',
    '{"feature_views":[1]}',
    ['end_ts: is missing; expected text', 'feature_views.0: found 1; expected text'],
  ],
  [
    '/materialize',
    '{"disable_event_timestamp":"yes","df":{}}',
    ['disable_event_timestamp: found the text "yes"; expected true or false', 'body: there is no field "df"'],
  ],
  [
    '/get-online-features',
    '{"features":["a:b"],"include_expird":true}',
    ['body: there is no field "include_expird". Did you mean "include_expired"?'],
  ],
  [
    '/get-online-features',
    '{"features":"a:b","entity_aliases":[{"view":"a","prefix":"","keys":{"b":1}},5]}',
    [
      'features: found the text "a:b"; expected a list',
      'entity_aliases.0.prefix: expected text that is not empty',
      'entity_aliases.0.keys.b: found 1; expected text',
      'entity_aliases.1: found 5; expected an object',
    ],
  ],
  [
    '/get-online-features',
    '{"entities":null,"request_data":{"a":null}}',
    [
      'entities: expected an object of lists, such as {"user_id": [1, 2]}',
      'request_data.a: expected a list with one value for each row',
    ],
  ],
])('what is wrong with the fields of %s is told in plain words: %s', async (url, payload, expected) => {
  expect(await problems(url, payload)).toEqual(expected);
});

test('very many fields that there are not are a short answer', async () => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`${'x'.repeat(50)}${i}`, i]));
  const error = await refusal({ ...many, features: ['activity:sessions'] }, app);
  expect(error.message.length).toBeLessThan(1200);
  expect(error.message).toContain('and 4980 more');
});

test('a column named __proto__ is an unknown one as any other', async () => {
  const read = (entities: string) =>
    refusal(`{"features":["activity:sessions"],"entities":${entities}}`, app);
  expect(await read('{"user_id":[1],"__proto__":[1]}')).toMatchObject({
    status: 404,
    code: 'UNKNOWN_ENTITY',
    problems: [{ where: 'entities.__proto__' }],
  });
  expect(await read('{"user_id":[1],"__proto__":5}')).toMatchObject({
    status: 400,
    problems: [{ where: 'entities.__proto__', message: 'expected a list with one value for each row' }],
  });
});

test('a body that is compressed is 415, and its encoding is named', async () => {
  const body = '{"features":["activity:sessions"],"entities":{"user_id":[1]}}';
  const send = async (payload: string | Buffer, encoding: string) => {
    const headers = { 'content-encoding': encoding };
    return await app.inject({ method: 'POST', url: '/get-online-features', headers, payload });
  };
  const packed = await send(gzipSync(body), 'gzip');
  expect([packed.statusCode, packed.json().error]).toEqual([
    415,
    {
      code: 'REQUEST_INVALID',
      message: 'Cannot read the request: its Content-Encoding is "gzip"; send JSON as it is, without one.',
    },
  ]);
  expect((await send(body, 'identity')).statusCode).toBe(200);
});

test('a body that begins with a mark of its byte order is read', async () => {
  const payload = '\ufeff{"features":["activity:sessions"],"entities":{"user_id":[1]}}';
  const response = await app.inject({ method: 'POST', url: '/get-online-features', payload });
  expect(response.statusCode).toBe(200);
});

test('lists in lists that are too deep to be read are told as that', async () => {
  const error = await refusal(`${'['.repeat(50_000)}12345678901234567890${']'.repeat(50_000)}`, app);
  expect(error).toMatchObject({
    status: 400,
    message: 'Cannot read the request as JSON: it is nested too deeply.',
  });
});

test.each(['', ';;;', 'garbage'])('a Content-Type that is none, "%s", is 415', async (type) => {
  const response = await app.inject({
    method: 'POST',
    url: '/get-online-features',
    headers: { 'content-type': type },
    payload: '{"features":["activity:sessions"],"entities":{"user_id":[1]}}',
  });
  expect(response.statusCode).toBe(415);
  expect(response.json().error.message).toContain('Send JSON as application/json.');
});
