import type { ProjectOptions } from './project.ts';

/** A small project: orders of five users, one about every seven minutes, with ties and nulls. */
export function shop(schedule: string, more = ''): ProjectOptions {
  return {
    definitions: `
export const thisProject = project({ name: '<project>' });
export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });
export const orders = parquetSource({
  name: 'orders', path: 'orders/*.parquet', timestampField: 'at', createdTimestampField: 'created_at',
});
export const spend = batchFeatureView({
  name: 'spend', version: 1, entities: [user], source: orders,
  schedule: '${schedule}', startTime: '<start>', dataDelay: '0s', ttl: '30d', freshnessSla: '2h',
  aggregations: {
    orders_6h: count('6h'),
    spend_1d: sum('amount', '1d'),
    avg_1d: avg('amount', '1d'),
    last_amounts: collectList('amount', 3, '1d'),
    favourite: mode('shop', '2d'),
  },
});
export const model = featureService({ name: 'model', features: [spend] });
${more}`,
    data: {
      'orders/orders.parquet': `
        SELECT
          i AS order_id,
          (i * 7) % 5 AS user_id,
          TIMESTAMP '<start>' + INTERVAL (i * 401) SECOND AS at,
          TIMESTAMP '<start>' + INTERVAL (i * 401 + i % 60) SECOND AS created_at,
          CASE WHEN i % 11 = 0 THEN NULL ELSE (i * 37 % 1000) / 10.0 END AS amount,
          'shop' || (i % 3) AS shop
        FROM range(2150) t(i)`,
    },
  };
}
