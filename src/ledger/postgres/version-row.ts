import { TidemarkError } from '../../core/errors.ts';
import { formatViewVersion, type ViewVersion } from '../../core/feature-view.ts';
import type { Query } from '../../registry/postgres/pool.ts';

/** Compares versions in the one form that the GiST indexes of the ledger serve; `$1` is the version's id. */
export const SAME_VERSION = `int4range(version_id, version_id, '[]') && int4range($1::int, $1::int, '[]')`;

/**
 * Takes the lock under which everything about a version changes, until the transaction ends. Undefined when the
 * ledger does not know the version.
 */
export async function lockVersion(
  query: Query,
  { project, view, version }: ViewVersion,
): Promise<number | undefined> {
  const [row] = await query<{ id: number }>(
    `select id from ledger_versions where project = $1 and view = $2 and version = $3 for no key update`,
    [project, view, version],
  );
  return row?.id;
}

/** Locks the version, made known when it is new. STORE_CORRUPT when it is known by another fingerprint. */
export async function lockVersionToClaim(
  query: Query,
  of: ViewVersion,
  fingerprint: string,
): Promise<number> {
  const { project, view, version } = of;
  // A version forgotten between the two statements is made known again in the second round.
  for (let round = 0; round < 2; round++) {
    await query(
      `insert into ledger_versions (project, view, version, fingerprint) values ($1, $2, $3, $4)
       on conflict (project, view, version) do nothing`,
      [project, view, version, fingerprint],
    );
    const [row] = await query<{ id: number; fingerprint: string }>(
      `select id, fingerprint from ledger_versions where project = $1 and view = $2 and version = $3
       for no key update`,
      [project, view, version],
    );
    if (row === undefined) continue;
    if (row.fingerprint === fingerprint) return row.id;
    throw new TidemarkError(
      'STORE_CORRUPT',
      `Cannot claim intervals of ${formatViewVersion(of)} in project "${project}": its definition has changed since its first interval was computed (fingerprint ${short(row.fingerprint)} then, ${short(fingerprint)} now). Give the changed definition a new version.`,
    );
  }
  throw new TidemarkError(
    'STORE_UNAVAILABLE',
    `Cannot claim intervals of ${formatViewVersion(of)}: the version is being removed; repeat it.`,
  );
}

function short(fingerprint: string): string {
  return fingerprint.slice(0, 12);
}
