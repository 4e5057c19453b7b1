import { type PostgresPool, queryOf } from '../../registry/postgres/pool.ts';
import type { Ledger } from '../ledger.ts';
import { claim } from './claim.ts';
import { commit } from './commit.ts';
import { coverage, files } from './coverage.ts';
import { history } from './history.ts';
import { decide, release, renew } from './release.ts';
import { stage } from './stage.ts';

/**
 * The ledger in Postgres (15 or later), on a pool made by `connectPostgres` whose schema `migrate` has brought up to date.
 *
 * Every change of a version is made under the lock of its row, and exclusion constraints make a second live row
 * over one range impossible, whatever the code does.
 */
export function createPostgresLedger(pool: PostgresPool): Ledger {
  return {
    claim: (request) => claim(pool, request),
    renew: (lease, now) => renew(pool, lease, now),
    stage: (lease, work) => stage(pool, lease, work),
    commit: (lease, now) => commit(pool, lease, now),
    release: (lease, outcome, now) => release(pool, lease, outcome, now),
    decide: (version, range, decision, now) => decide(pool, version, range, decision, now),
    coverage: (version) => coverage(pool, version),
    files: (version, range) => files(pool, version, range),
    history: (version, range) => history(pool, version, range),
    async forget({ project, view, version }) {
      await queryOf(pool)(`delete from ledger_versions where project = $1 and view = $2 and version = $3`, [
        project,
        view,
        version,
      ]);
    },
  };
}
