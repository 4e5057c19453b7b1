import { type PostgresPool, queryOf } from '../../registry/postgres/pool.ts';
import type { Alert } from '../alert.ts';
import type { AlertStore } from '../alert-store.ts';
import { ALERT_COLUMNS, type AlertRow, alertFrom } from './alert-rows.ts';
import { claimDelivery, markDelivered, markFailed } from './deliveries.ts';
import { reconcile } from './reconcile.ts';

/**
 * Alerts in Postgres (15 or later), on a pool made by `connectPostgres` whose schema `migrate` has brought up to
 * date with `monitorMigrations`.
 *
 * A project's alerts change under the lock of its row in `alert_looks`, and a unique index makes a second open
 * alert of one identity impossible, whatever the code does.
 */
export function createPostgresAlertStore(pool: PostgresPool): AlertStore {
  const select = async (rest: string, values: readonly unknown[]): Promise<readonly Alert[]> => {
    const rows = await queryOf(pool)<AlertRow>(`select ${ALERT_COLUMNS} from alerts ${rest}`, values);
    return rows.map((row) => {
      const { toldAt: _, ...alert } = alertFrom(row);
      return alert;
    });
  };
  return {
    reconcile: (look) => reconcile(pool, look),
    claimDelivery: (request) => claimDelivery(pool, request),
    markDelivered: (delivery, now) => markDelivered(pool, delivery, now),
    markFailed: (delivery, error, retryAt, now) => markFailed(pool, delivery, error, retryAt, now),
    openAlerts: (project) => select(`where project = $1 and resolved_at is null order by id`, [project]),
    recentAlerts: (project, limit) =>
      select(`where project = $1 order by opened_at desc, id desc limit $2`, [project, limit]),
  };
}
