import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from './benchmark.ts';
import { dataFolder, lastDays, runSql } from './project.ts';

/** A shop's orders of the last days, evenly over time and users: what the benchmarks compute features of. */
export interface ShopSize {
  readonly orders: number;
  readonly users: number;
  readonly days: number;
}

/** Writes `<name>.parquet` into the data folder: `user_id`, `happened_at`, `created_at`, `amount`, `shop`. */
export async function writeOrders(
  world: World,
  name: string,
  { orders, users, days }: ShopSize,
): Promise<void> {
  const { start, end } = lastDays(days);
  const step = (end - start) / BigInt(orders);
  await mkdir(dataFolder(world), { recursive: true });
  await runSql(world, [
    `COPY (SELECT (hash(i) % ${users})::BIGINT AS user_id, event AS happened_at,
       event + to_seconds((hash(i, 1) % 60)::BIGINT) AS created_at,
       CASE WHEN i % 11 > 0 THEN (hash(i, 2) % 100000) / 100.0 END AS amount, 'shop ' || hash(i, 3) % 500 AS shop
     FROM (SELECT i, make_timestamp(${start}) + to_microseconds(i * ${step}) AS event FROM range(${orders}) t(i)))
     TO '${join(dataFolder(world), `${name}.parquet`)}' (FORMAT parquet)`,
  ]);
}

export function sizeInWords({ orders, users, days }: ShopSize): string {
  return `${orders.toLocaleString('en-US')} orders of ${users.toLocaleString('en-US')} users in ${days} days`;
}

/** Definitions of a project with one view; `features` are the lines that say what it computes. */
export function shopDefinitions(
  view: string,
  { orders, days, schedule, features }: { orders: string; days: number; schedule: string; features: string },
): string {
  return `
export const thisProject = t.project({ name: '<project>' });
export const user = t.entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const orders = t.parquetSource({
  name: 'orders', path: 'data/${orders}.parquet', timestampField: 'happened_at', createdTimestampField: 'created_at',
});
export const ${view} = t.batchFeatureView({
  name: '${view}', version: 1, entities: [user], source: orders, schedule: '${schedule}',
  startTime: '${lastDays(days).startText}', dataDelay: '0s', ttl: '90d',
  ${features},
});
`;
}

/** Sums, counts and averages over sliding windows. */
export const WINDOWS = `aggregations: {
    orders_1d: t.count('1d'), orders_7d: t.count('7d'), spend_7d: t.sum('amount', '7d'),
    average_7d: t.avg('amount', '7d'), most_1d: t.max('amount', '1d'),
  }`;

/** Other kinds: distinct values, the newest ones, the most frequent one. */
export const COLLECTIONS = `aggregations: {
    shops_7d: t.countDistinct('shop', '7d'), last_amounts: t.collectList('amount', 5, '7d'),
    favourite: t.mode('shop', '7d'), median_7d: t.median('amount', '7d'),
  }`;

export const PASS_THROUGH = `features: { amount: 'float64', shop: 'string' }`;
