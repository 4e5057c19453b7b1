import type { Interval } from '../../core/interval.ts';
import { addDuration } from '../../core/time.ts';
import { type PostgresPool, type Query, transaction } from '../../registry/postgres/pool.ts';
import {
  intervalFrom,
  microsColumn,
  microsFrom,
  type RangeRow,
  rangeColumns,
  rangeParameter,
  timeParameter,
} from '../../registry/postgres/postgres-time.ts';
import { judgeClaim, type OpenAttempt } from '../judge-claim.ts';
import type { Claim, ClaimRequest } from '../ledger.ts';
import { forgetOldFailures } from './forget-old-failures.ts';
import { lockVersionToClaim, SAME_VERSION } from './version-row.ts';

export function claim(pool: PostgresPool, request: ClaimRequest): Promise<Claim> {
  return transaction(pool, async (query): Promise<Claim> => {
    const versionId = await lockVersionToClaim(query, request.version, request.fingerprint);
    const committed = await committedRanges(query, versionId, request.range);
    const verdict = judgeClaim(request, committed, await openAttempts(query, versionId, request.range));
    if (verdict.kind !== 'grant') return verdict;
    for (const { id, why } of verdict.close) {
      await query(
        `update ledger_attempts set state = 'failed', taken_over = true, reason = $2, ended_at = $3 where id = $1`,
        [id, why, timeParameter(request.now)],
      );
    }
    const approvedEffectKey = await takeApproval(query, versionId, request.range);
    const fence = await insertAttempt(query, versionId, request, approvedEffectKey);
    if (verdict.close.length > 0) await forgetOldFailures(query, versionId);
    const { version, range, owner, leaseFor, restate } = request;
    return {
      kind: 'granted',
      lease: { version, range, fence, owner, leaseFor, restate, approvedEffectKey },
    };
  });
}

async function committedRanges(
  query: Query,
  versionId: number,
  range: Interval,
): Promise<readonly Interval[]> {
  const rows = await query<RangeRow>(
    `select ${rangeColumns('part')} from (
       select unnest(range_agg(range)) as part from ledger_attempts
       where ${SAME_VERSION} and range && $2 and state in ('done', 'empty')
     ) parts order by start_at`,
    [versionId, rangeParameter(range)],
  );
  return rows.map(intervalFrom);
}

interface OpenRow extends RangeRow {
  readonly id: string;
  readonly state: OpenAttempt['state'];
  readonly owner: string;
  readonly run_id: string;
  readonly until: string;
  readonly reason: string | null;
}

async function openAttempts(
  query: Query,
  versionId: number,
  range: Interval,
): Promise<readonly OpenAttempt[]> {
  // Locked, so that a renewal either comes before the judgement or finds its lease gone.
  const rows = await query<OpenRow>(
    `select id, ${rangeColumns('range')}, state, owner, run_id, ${microsColumn('lease_until')} as until, reason
     from ledger_attempts
     where ${SAME_VERSION} and range && $2 and state in ('running', 'held', 'approved')
     for update`,
    [versionId, rangeParameter(range)],
  );
  return rows.map((row) => ({
    id: row.id,
    range: intervalFrom(row),
    state: row.state,
    owner: row.owner,
    runId: row.run_id,
    until: microsFrom(row.until),
    reason: row.reason ?? '',
  }));
}

/** An approval outlives attempts that fail: it moves from attempt to attempt until its range is committed. */
async function takeApproval(query: Query, versionId: number, range: Interval): Promise<string | null> {
  const rows = await query<{ id: string; approved_effect_key: string }>(
    `select id, approved_effect_key from ledger_attempts
     where version_id = $1 and state = 'failed' and claimed_range = $2 and approved_effect_key is not null
     order by fence desc`,
    [versionId, rangeParameter(range)],
  );
  for (const { id } of rows) {
    await query(`update ledger_attempts set approved_effect_key = null where id = $1`, [id]);
  }
  return rows[0]?.approved_effect_key ?? null;
}

async function insertAttempt(
  query: Query,
  versionId: number,
  { range, owner, runId, restate, leaseFor, now }: ClaimRequest,
  approvedEffectKey: string | null,
): Promise<number> {
  const [row] = await query<{ fence: string }>(
    `insert into ledger_attempts
       (version_id, fence, claimed_range, range, state, owner, run_id, restate, claimed_at, lease_until,
        approved_effect_key)
     values ($1, nextval('ledger_fences'), $2, $2, 'running', $3, $4, $5, $6, $7, $8)
     returning fence`,
    [
      versionId,
      rangeParameter(range),
      owner,
      runId,
      restate,
      timeParameter(now),
      timeParameter(addDuration(now, leaseFor)),
      approvedEffectKey,
    ],
  );
  return Number(row?.fence);
}
