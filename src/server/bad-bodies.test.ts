import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ServedApp, servedApp } from '../../test/support/served-app.ts';

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
