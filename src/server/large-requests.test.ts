import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  SERVED_PROJECT as project,
  refusal,
  type ServedApp,
  servedApp,
} from '../../test/support/served-app.ts';
import { activity, putOnline } from '../../test/support/serving-project.ts';

/** What is asked for in a few kilobytes, and would take seconds, or gigabytes. */
let app: ServedApp['app'];
let online: ServedApp['online'];
let start: ServedApp['start'];

beforeEach(() => {
  ({ app, online, start } = servedApp());
});
afterEach(() => app.close());

const refused = (body: unknown, server = app) => refusal(body, server);

test('a small body that asks for millions of values is refused at once, with the limit and its name', async () => {
  const aliases = Array.from({ length: 20 }, (_, at) => ({
    view: 'everything',
    prefix: `a${at}_`,
    keys: { user_id: 'user_id' },
  }));
  const entities = { user_id: new Array<number>(10_000).fill(1) };
  const error = await refused({ features: ['everything:*'], entities, entity_aliases: aliases });
  expect(error).toMatchObject({ status: 413, code: 'TOO_LARGE' });
  expect(error.message).toBe(
    'Cannot read 2,200,000 values in one request (10,000 entities, 220 features of each): ' +
      'the limit is 2,000,000 (TIDEMARK_READ_MAX_VALUES). Send them in several requests.',
  );
});

test('as many values as the limit are read', async () => {
  const tight = start({ maxValues: 6 });
  const ids = { user_id: [1, 2, 3] };
  const two = ['activity:sessions', 'activity:spend'];
  const read = async (features: readonly string[]) =>
    (
      await tight.inject({
        method: 'POST',
        url: '/get-online-features',
        payload: { features, entities: ids },
      })
    ).statusCode;
  expect([await read(two), await read([...two, 'activity:model'])]).toEqual([200, 413]);
  await tight.close();
});

test('a small body that asks for one large value many times is refused, and the next is answered', async () => {
  const limited = start({ maxAnswerBytes: 100_000 });
  const model = 'x'.repeat(5000);
  await putOnline(online, project, activity, [{ key: [1n], values: [1n, 4, model] }]);
  const ask = (rows: number) => ({
    features: ['activity:model'],
    entities: { user_id: new Array(rows).fill(1) },
  });
  const error = await refused(ask(100), limited);
  expect(error).toMatchObject({ status: 413, code: 'TOO_LARGE' });
  expect(error.message).toBe(
    'Cannot answer in one piece: the values take more than 100,000 bytes. Ask for fewer entities or features in a request.',
  );
  const { results } = (
    await limited.inject({ method: 'POST', url: '/get-online-features', payload: ask(2) })
  ).json();
  expect(results[1].values).toEqual([model, model]);
  await limited.close();
});

test('while a large answer is made others are answered, and it is as it would be in small pieces', async () => {
  const ids = Array.from({ length: 10_000 }, (_, id) => id);
  const rows = ids.map((id) => ({
    key: [BigInt(id)],
    values: [BigInt(id), id / 3, `${id}: ${'x'.repeat(800)}`],
  }));
  await putOnline(online, project, activity, rows);
  const read = Promise.withResolvers<void>();
  const server = start({
    online: {
      ping: online.ping,
      async read(requests) {
        const stored = await online.read(requests);
        read.resolve();
        return stored;
      },
    },
  });
  const ask = (entities: readonly number[], from = server) =>
    from.inject({
      method: 'POST',
      url: '/get-online-features',
      payload: { features: ['activity:*'], entities: { user_id: entities } },
    });
  let isMade = false;
  const making = ask(ids).finally(() => {
    isMade = true;
  });
  await read.promise;
  let answered = 0;
  while (!isMade) {
    const { statusCode } = await ask([answered], app);
    if (statusCode === 200) answered += 1;
  }
  const large = await making;
  expect(answered).toBeGreaterThan(5);
  expect(Number(large.headers['content-length'])).toBe(large.rawPayload.length);
  const pieces = await Promise.all([0, 1, 2, 3, 4].map((at) => ask(ids.slice(at * 2000, at * 2000 + 2000))));
  const whole = large.json();
  for (const [column, { values, statuses, event_timestamps: times }] of whole.results.entries()) {
    const parts = pieces.map((piece) => piece.json().results[column]);
    expect(values).toEqual(parts.flatMap((part) => part.values));
    expect(statuses).toEqual(parts.flatMap((part) => part.statuses));
    expect(times).toEqual(parts.flatMap((part) => part.event_timestamps));
  }
  await server.close();
});
