import { addDuration, type Micros } from '../../core/time.ts';
import { type PostgresPool, queryOf } from '../../registry/postgres/pool.ts';
import { timeParameter } from '../../registry/postgres/postgres-time.ts';
import type { AlertEvent } from '../alert.ts';
import type { Delivery, DeliveryRequest } from '../alert-store.ts';

interface DeliveryRow {
  readonly id: string;
  readonly event: AlertEvent;
  readonly attempts: number;
}

/** The head of the queue decides for all behind it: while it waits or is with somebody else, nothing is due. */
export async function claimDelivery(
  pool: PostgresPool,
  { project, sink, now, leaseFor }: DeliveryRequest,
): Promise<Delivery | undefined> {
  const [row] = await queryOf(pool)<DeliveryRow>(
    `with head as (
       select id, next_attempt_at from alert_deliveries
       where project = $1 and sink = $2 and delivered_at is null and given_up_at is null
       order by id limit 1 for update
     )
     update alert_deliveries claimed set attempts = claimed.attempts + 1, next_attempt_at = $4
     from head where claimed.id = head.id and head.next_attempt_at <= $3
     returning claimed.id, claimed.event, claimed.attempts`,
    [project, sink, timeParameter(now), timeParameter(addDuration(now, leaseFor))],
  );
  return row;
}

export async function markDelivered(pool: PostgresPool, { id }: Delivery, now: Micros): Promise<void> {
  await queryOf(pool)(
    `update alert_deliveries set delivered_at = $2, last_error = null
     where id = $1 and delivered_at is null and given_up_at is null`,
    [id, timeParameter(now)],
  );
}

export async function markFailed(
  pool: PostgresPool,
  { id }: Delivery,
  error: string,
  retryAt: Micros | null,
  now: Micros,
): Promise<void> {
  await queryOf(pool)(
    `update alert_deliveries
     set last_error = $2, next_attempt_at = coalesce($3, next_attempt_at),
       given_up_at = case when $3::timestamptz is null then $4::timestamptz end
     where id = $1 and delivered_at is null and given_up_at is null`,
    [id, error, retryAt === null ? null : timeParameter(retryAt), timeParameter(now)],
  );
}
