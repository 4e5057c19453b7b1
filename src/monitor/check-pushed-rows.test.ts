import { expect, test } from 'vitest';
import { checkPushedRows } from './check-pushed-rows.ts';

const segment = (source: string, name: string) => ({
  project: 'shop',
  source,
  host: 'a',
  path: `/log/shop/${source}/${name}.segment.unreadable`,
  bytes: 1_234,
  reason: 'its lines 4 to 6 are not as they were written',
});

test('segments that cannot be read are one finding of each source, which says where they are and what to do', () => {
  const found = checkPushedRows('shop', [
    segment('clicks', '1'),
    segment('orders', '2'),
    segment('clicks', '3'),
  ]);
  expect(found.map(({ identity, severity }) => [identity, severity])).toEqual([
    ['pushed-rows/shop/clicks', 'warning'],
    ['pushed-rows/shop/orders', 'warning'],
  ]);
  expect(found[0]?.summary).toBe(
    'Pushed rows of source "clicks" cannot be read (its lines 4 to 6 are not as they were written), and are in no ' +
      'file: /log/shop/clicks/1.segment.unreadable on a, 1,234 bytes. It is kept. Push these rows again and remove ' +
      'it; or take out the lines that are not as they were written, rename it to end with .segment, and start the ' +
      'server again. 1 more of this source cannot be read either.',
  );
  expect(found[0]?.details).toMatchObject({ source: 'clicks', segments: 2 });
});

test('many segments are details of bounded size', () => {
  const [found] = checkPushedRows(
    'shop',
    Array.from({ length: 1000 }, (_, at) => segment('clicks', String(at))),
  );
  expect(JSON.stringify(found).length).toBeLessThan(4_000);
  expect(checkPushedRows('shop', [])).toEqual([]);
});
