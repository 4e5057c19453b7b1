import type { Query } from '../../registry/postgres/pool.ts';

/** People need the newest failures; a view that fails every hour must not grow the ledger for ever. */
const KEPT_FAILURES = 20;

/** Call under the version's lock. */
export async function forgetOldFailures(query: Query, versionId: number): Promise<void> {
  await query(
    `delete from ledger_attempts where id in (
       select id from ledger_attempts where version_id = $1 and state = 'failed'
       order by fence desc offset $2
     )`,
    [versionId, KEPT_FAILURES],
  );
}
