import type { GaugedColumn } from '../../leakage-gauge.ts';
import { identifier } from '../sql-text.ts';

/**
 * The SQL of the leakage gauge. `__gauged` has a row per measured row: `y` (the label as a whole number), `fold` (0 or
 * 1) and the columns `c0`, `c1`, …. Counts and sums of labels are whole numbers, so no order of adding changes them.
 */

/** How much of the mean of all goes into the mean of a group: as much as ten rows of it would. */
const PRIOR_ROWS = 10;
/** Bins of numbers: at most a hundred, of twenty rows each where there are enough, and never fewer than twenty. */
const [LEAST_BINS, MOST_BINS, ROWS_PER_BIN] = [20, 100, 20];
/** Classes of a label that are measured, the commonest ones. */
export const MOST_CLASSES = 10;

export type LabelKind = 'binary' | 'ordered' | 'classes';

/** Rows with a label: `l`, `fold`, and the columns asked for; `below` (of 2^64) makes a sample. */
export function rowsSql(
  from: string,
  label: GaugedColumn,
  columns: readonly GaugedColumn[],
  below: bigint | null,
): string {
  const read = ({ name, kind }: GaugedColumn) =>
    kind === 'category' ? `CAST(${identifier(name)} AS VARCHAR)` : identifier(name);
  const selected = columns.map((column, at) => `, ${read(column)} AS c${at}`).join('');
  const sample = below === null ? '' : ` AND md5_number_lower(CAST(r AS VARCHAR)) < ${below}::UBIGINT`;
  return (
    `(SELECT * EXCLUDE (r), (md5_number_upper(CAST(r AS VARCHAR)) % 2)::BIGINT AS fold ` +
    `FROM (SELECT row_number() OVER () AS r, ${read(label)} AS l${selected} FROM ${from}) WHERE l IS NOT NULL${sample})`
  );
}

/**
 * Each value `l` of the label as a whole number `y`: 0 and 1, or the number of its class (-1: of none), or twice its
 * mid-rank.
 */
export function labelsSql(kind: LabelKind, rows: string): string {
  const values = `(SELECT l, count(*)::BIGINT AS n FROM ${rows} GROUP BY l)`;
  switch (kind) {
    case 'binary':
      return `SELECT l, (l = max(l) OVER ())::BIGINT AS y FROM ${values}`;
    case 'classes':
      return `SELECT l, if(k <= ${MOST_CLASSES}, k - 1, -1)::BIGINT AS y FROM (SELECT l, row_number() OVER (ORDER BY n DESC, l) AS k FROM ${values})`;
    case 'ordered':
      return `SELECT l, (2 * sum(n) OVER (ORDER BY l) - n)::BIGINT AS y FROM ${values}`;
  }
}

/** Up to two rows, with values and without: count, sum of the target and of its square. */
export function factsSql(column: string, target: string): string {
  return `SELECT ${column} IS NULL AS missing, count(*), sum(${target}), sum(${target} * ${target}) FROM __gauged GROUP BY missing ORDER BY missing`;
}

/** One number: how many of the rows with a value have the commonest label. */
export function commonestSql(column: string): string {
  return `SELECT max(n) FROM (SELECT count(*) AS n FROM __gauged WHERE ${column} IS NOT NULL GROUP BY y)`;
}

/**
 * `tied`: rows by fold and by what their group predicts for them, `e`; with it `cells`, the rows by value and fold.
 * `rows` is the number of those with a value.
 */
function predictedSql(column: string, kind: GaugedColumn['kind'], target: string, rows: number): string {
  const bins = Math.min(MOST_BINS, Math.max(LEAST_BINS, Math.floor(rows / ROWS_PER_BIN)));
  // By the middle of a value's rows, so that equal values are in one bin, and a value of many rows in its own.
  const binned =
    `SELECT ((2 * b.before + b.n) * ${bins}) // ${2 * rows} AS g, a.fold, sum(a.n)::BIGINT AS n, sum(a.s)::BIGINT AS s ` +
    'FROM cells a JOIN ranked b ON a.v = b.v GROUP BY ALL';
  return (
    `WITH cells AS MATERIALIZED (SELECT ${column} AS v, fold, count(*)::BIGINT AS n, sum(${target})::BIGINT AS s FROM __gauged WHERE ${column} IS NOT NULL GROUP BY ALL), ` +
    'ranked AS MATERIALIZED (SELECT v, n, s, coalesce(sum(n) OVER w, 0)::BIGINT AS before, coalesce(sum(n - s) OVER w, 0)::BIGINT AS lower ' +
    'FROM (SELECT v, sum(n)::BIGINT AS n, sum(s)::BIGINT AS s FROM cells GROUP BY v) WINDOW w AS (ORDER BY v ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)), ' +
    `grouped AS MATERIALIZED (${kind === 'ordered' ? binned : 'SELECT v AS g, fold, n, s FROM cells'}), ` +
    'folds AS (SELECT fold, sum(n)::BIGINT AS n, sum(s)::BIGINT AS s FROM grouped GROUP BY fold), ' +
    `tied AS MATERIALIZED (SELECT a.fold, (coalesce(b.s, 0) + ${PRIOR_ROWS}::DOUBLE * f.s / f.n) / (coalesce(b.n, 0) + ${PRIOR_ROWS}) AS e, sum(a.n)::BIGINT AS n, sum(a.s)::BIGINT AS s ` +
    'FROM grouped a JOIN folds f ON f.fold = 1 - a.fold LEFT JOIN grouped b ON b.g = a.g AND b.fold = 1 - a.fold GROUP BY ALL) '
  );
}

/**
 * One row for a target of 0 and 1: the AUC by order, and by group. With the rows below each (`lower`: of target 0), the
 * pairs that are ranked rightly are s · lower, and half of the ties s · (n − s).
 */
export function aucSql(column: string, kind: GaugedColumn['kind'], target: string, rows: number): string {
  const auc = (from: string, pairs: string) =>
    `(SELECT sum(s * (2 * lower + n - s))::DOUBLE / nullif(2 * (${pairs}), 0) FROM ${from})`;
  const grouped =
    '(SELECT n, s, coalesce(sum(n - s) OVER (PARTITION BY fold ORDER BY e ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS lower FROM tied)';
  const order = kind === 'ordered' ? auc('ranked', 'sum(s) * sum(n - s)') : 'NULL';
  const group = auc(grouped, 'SELECT sum(s * (n - s)) FROM folds');
  return `${predictedSql(column, kind, target, rows)} SELECT ${order}, ${group}`;
}

/**
 * One row: over all rows with a value, the sums of what their groups predict, of its square, and of its product with
 * y; then the same for their own mid-ranks, doubled.
 */
export function sumsSql(column: string, kind: GaugedColumn['kind'], rows: number): string {
  return `${predictedSql(column, kind, 'y', rows)} SELECT g.*, o.* FROM (SELECT sum(n * e), sum(n * e * e), sum(s * e) FROM tied) g, (SELECT sum(n * x), sum(n * x * x), sum(s * x) FROM (SELECT n, s, 2 * before + n AS x FROM ranked)) o`;
}
