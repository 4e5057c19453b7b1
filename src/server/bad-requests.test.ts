import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refusal, type ServedApp, servedApp } from '../../test/support/served-app.ts';

let app: ServedApp['app'];
let start: ServedApp['start'];

beforeEach(() => {
  ({ app, start } = servedApp());
});
afterEach(() => app.close());

const refused = (body: unknown, server = app) => refusal(body, server);

describe('bad input', () => {
  const entities = { user_id: [1] };
  const features = ['activity:sessions'];

  test.each([
    [{ features: ['activity:sesions'], entities }, 404, 'UNKNOWN_FEATURE', 'Did you mean "sessions"?'],
    [{ features: ['activty:sessions'], entities }, 404, 'UNKNOWN_VIEW', 'Did you mean "activity"?'],
    [{ features: ['activity@v9:sessions'], entities }, 404, 'UNKNOWN_VIEW', 'versions 1 and 2'],
    [{ feature_service: 'churn_modell', entities }, 404, 'UNKNOWN_FEATURE', 'Did you mean "churn_model"?'],
    [{ features, entities: { user_id: [1], usr_id: [1] } }, 404, 'UNKNOWN_ENTITY', 'Did you mean "user_id"?'],
    [{ features: ['nonsense'], entities }, 400, 'REQUEST_INVALID', 'view:feature'],
    [{ features: ['hidden:secret'], entities }, 400, 'REQUEST_INVALID', 'not published online'],
    [{ features, entities: {} }, 400, 'REQUEST_INVALID', 'no entities'],
    [{ features, entities: { user_id: [] } }, 400, 'REQUEST_INVALID', 'no entities'],
    [
      { features, entities: { origin: ['a'] } },
      400,
      'REQUEST_INVALID',
      'entities.user_id: the join key is missing',
    ],
    [
      { features: ['routes:avg_delay'], entities: { origin: ['a', 'b'], dest: ['c'] } },
      400,
      'REQUEST_INVALID',
      '"origin" has 2, "dest" has 1',
    ],
    [
      { features: ['ratio:ratio'], entities },
      400,
      'REQUEST_INVALID',
      'entities.amount: the request field is missing',
    ],
    [
      { features: ['ratio:ratio'], entities: { ...entities, amount: [null] } },
      400,
      'REQUEST_INVALID',
      'entities.amount[0]: found null',
    ],
    [
      { features: ['ratio:ratio'], entities: { ...entities, amount: [1] }, request_data: { amount: [1] } },
      400,
      'REQUEST_INVALID',
      'request_data.amount',
    ],
    [{ features, feature_service: 'churn_model', entities }, 400, 'REQUEST_INVALID', 'not both'],
    [{ entities }, 400, 'REQUEST_INVALID', 'give "features"'],
    [{ features, entities: { user_id: 1 } }, 400, 'REQUEST_INVALID', 'entities.user_id: expected a list'],
    [{ features, entities: [] }, 400, 'REQUEST_INVALID', 'entities: expected an object of lists'],
    [{ features, entities, full_feature_name: true }, 400, 'REQUEST_INVALID', 'full_feature_name'],
    [{ features: [1], entities }, 400, 'REQUEST_INVALID', 'features.0'],
    [[], 400, 'REQUEST_INVALID', 'expected a JSON object'],
    ['', 400, 'REQUEST_INVALID', 'Cannot read the request'],
    ['{"features": [', 400, 'REQUEST_INVALID', 'as JSON'],
    ['null', 400, 'REQUEST_INVALID', 'expected a JSON object'],
    ['{"features":["activity:sessions"],"entities":{"__proto__":[1]}}', 400, 'REQUEST_INVALID', ''],
  ])('%j is one clear error', async (body, status, code, message) => {
    const error = await refused(body);
    expect(error).toMatchObject({ status, code });
    expect(error.message).toContain(message);
  });

  test('a key of the wrong type is named with its column, row, what was found and what is allowed; all at once', async () => {
    const error = await refused({ features, entities: { user_id: [1, 'abc', 1.5, true, {}] } });
    expect(error).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
    const allowed = 'allowed is an integer of 64 bits (as a number or as decimal text).';
    expect(error.problems).toEqual([
      { where: 'entities.user_id[1]', message: `found the text "abc"; ${allowed}` },
      { where: 'entities.user_id[2]', message: `found 1.5; ${allowed}` },
      { where: 'entities.user_id[3]', message: `found true; ${allowed}` },
      { where: 'entities.user_id[4]', message: `found an object; ${allowed}` },
    ]);
    const text = await refused({ features: ['routes:avg_delay'], entities: { origin: [1], dest: ['b'] } });
    expect(text.problems).toEqual([{ where: 'entities.origin[0]', message: 'found 1; allowed is text.' }]);
  });

  test('many wrong keys are counted, not listed', async () => {
    const error = await refused({ features, entities: { user_id: new Array(500).fill('x') } });
    expect(error.problems).toHaveLength(21);
    expect(error.problems[20].message).toBe('and 480 more');
  });

  test('many unknown features, or one with a very long name, are a short answer', async () => {
    const many = Array.from({ length: 10_000 }, (_, i) => `activty${i}:sessions`);
    const error = await refused({ features: many, entities });
    expect(error).toMatchObject({ status: 404, code: 'UNKNOWN_VIEW' });
    expect(error.problems).toHaveLength(20);
    const long = await refused({ features: [`${'x'.repeat(10_000)}:sessions`], entities });
    expect(long).toMatchObject({ status: 404, code: 'UNKNOWN_VIEW' });
    expect(long.message.length).toBeLessThan(500);
  });

  test('1 MB of nonsense is one short error', async () => {
    const nonsense = await refused('['.repeat(1_000_000));
    expect(nonsense).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
    expect(nonsense.message.length).toBeLessThan(200);
    const deep = await refused(`{"features":["${'x'.repeat(1_000_000)}"],"entities":{"user_id":[1]}}`);
    expect(deep.status).toBe(400);
    expect(await refused('x'.repeat(1_100_000))).toMatchObject({ status: 413, code: 'TOO_LARGE' });
  });

  test('a client that sends its whole body before it reads is told that it is too large', async () => {
    const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    const size = 16 * 1024 * 1024;
    const socket = connect(Number(port), '127.0.0.1');
    const head = `POST /get-online-features HTTP/1.1\r\nhost: a\r\ncontent-length: ${size}\r\n\r\n`;
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.write(Buffer.concat([Buffer.from(head), Buffer.alloc(size)]), () => resolve());
    });
    const [answer] = await once(socket, 'data');
    socket.destroy();
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 .*"TOO_LARGE"/s);
  });

  test('bytes that are no UTF-8 are refused, also where JSON would take them', async () => {
    const payload = Buffer.from(
      '{"features":["routes:avg_delay"],"entities":{"origin":["\xff"],"dest":["b"]}}',
      'latin1',
    );
    const response = await app.inject({ method: 'POST', url: '/get-online-features', payload });
    expect(response.json().error).toEqual({
      code: 'REQUEST_INVALID',
      message: 'Cannot read the request as JSON: its bytes are not UTF-8.',
    });
  });

  test('half of a surrogate pair is no key', async () => {
    const halved = {
      features: ['routes:avg_delay'],
      entities: { origin: ['a', '\ud800'], dest: ['b', 'c'] },
    };
    expect((await refused(halved)).problems).toEqual([
      { where: 'entities.origin[1]', message: 'found text with half of a surrogate pair; allowed is text.' },
    ]);
  });

  test('a path that is no text is one clear error', async () => {
    const response = await app.inject('/runs/%ff');
    expect([response.statusCode, response.json().error.code]).toEqual([400, 'REQUEST_INVALID']);
  });

  test('more entities than the limit are refused before anything is read', async () => {
    const small = start({ maxRows: 2 });
    const error = await refused({ features, entities: { user_id: [1, 2, 3] } }, small);
    await small.close();
    expect(error).toMatchObject({ status: 413, code: 'TOO_LARGE' });
  });

  test('a body too large is told the limit of its route', async () => {
    const error = await refused('x'.repeat(1_100_000));
    expect(error.message).toContain('larger than 1,048,576 bytes');
  });

  test('an unknown route is a 404 that names the one most like it, or all', async () => {
    const near = await app.inject({ method: 'POST', url: '/get-online-feature?token=secret' });
    expect([near.statusCode, near.json().error]).toEqual([
      404,
      {
        code: 'REQUEST_INVALID',
        message: 'Cannot find POST /get-online-feature on this server. Did you mean "/get-online-features"?',
      },
    ]);
    const far = await app.inject('/nothing/of/the/kind');
    expect(far.statusCode).toBe(404);
    expect(far.json().error.message).toContain(
      'It has GET /feature-services/:name, GET /health, GET /metrics',
    );
    expect(far.json().error.message).toContain('POST /push');
  });

  test.each([
    ['GET', '/get-online-features', 'POST'],
    ['DELETE', '/runs/materialize/shop/spend@v1', 'GET, HEAD'],
    ['POST', '/feature-services/churn_model?full=1', 'GET, HEAD'],
  ] as const)('%s %s is a 405 that tells the methods there are', async (method, url, allow) => {
    const response = await app.inject({ method, url });
    expect([response.statusCode, response.headers.allow]).toEqual([405, allow]);
    expect(response.json().error).toMatchObject({ code: 'REQUEST_INVALID' });
    expect(response.json().error.message).toContain(`it takes ${allow.replace(', ', ' or ')}.`);
  });

  test('a body that its client calls something else is told so when it is no JSON', async () => {
    const answers = ['text/csv', ';;;'].map((type) =>
      app.inject({
        method: 'POST',
        url: '/get-online-features',
        headers: { 'content-type': type },
        payload: 'a,b',
      }),
    );
    const [csv, none] = await Promise.all(answers);
    expect([csv?.statusCode, csv?.json().error.message]).toEqual([
      400,
      expect.stringContaining('It came as text/csv: send JSON.'),
    ]);
    expect([none?.statusCode, none?.json().error.code]).toEqual([415, 'REQUEST_INVALID']);
  });

  const HOST = 'host: a\r\nconnection: close\r\n';
  test.each([
    ['no HTTP at all', 'NOT HTTP\r\n\r\n', 400, 'REQUEST_INVALID'],
    ['an unknown method', `FOO /health HTTP/1.1\r\n${HOST}\r\n`, 400, 'REQUEST_INVALID'],
    ['a wrong length', `POST /push HTTP/1.1\r\n${HOST}content-length: many\r\n\r\n`, 400, 'REQUEST_INVALID'],
    ['no host', 'GET /health HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'REQUEST_INVALID'],
    [
      'headers too large',
      `GET /health HTTP/1.1\r\n${HOST}x: ${'y'.repeat(20_000)}\r\n\r\n`,
      431,
      'TOO_LARGE',
    ],
    ['odd expectations', `POST /push HTTP/1.1\r\n${HOST}expect: much\r\n\r\n`, 417, 'REQUEST_INVALID'],
    ['a method that needs a type', `QUERY /health HTTP/1.1\r\n${HOST}\r\n`, 400, 'REQUEST_INVALID'],
  ])('a request with %s is answered in the shape of all errors', async (_what, text, status, code) => {
    const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(text);
    const answer = (await socket.toArray()).join('');
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} [A-Z].*content-type: application/json`, 'is'));
    const { error } = JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1));
    expect(error).toEqual({ code, message: expect.stringMatching(/^Cannot read the request[^[]*[^.]\.$/) });
  });
});
