import type { DuckDBConnection } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import type {
  ColumnMeasure,
  GaugedColumn,
  LeakageGauge,
  LeakageMeasures,
  LeakageRequest,
  Measure,
} from '../../leakage-gauge.ts';
import { duckDbReason, failureKind } from '../duckdb-failure.ts';
import type { DuckDbEngine } from '../engine.ts';
import {
  aucSql,
  commonestSql,
  factsSql,
  type LabelKind,
  labelsSql,
  MOST_CLASSES,
  rowsSql,
  sumsSql,
} from './leakage-sql.ts';
import { loadArrow } from './load-arrow.ts';
import { readableTable } from './readable-table.ts';

/** Columns read at a time: what is held is these, of the rows that are measured; it spills like any table. */
const AT_ONCE = 16;

export function createDuckDbLeakageGauge(engine: DuckDbEngine): LeakageGauge {
  return {
    measure: (request) =>
      engine.withConnection(async (connection) => {
        try {
          return await measure(connection, request);
        } catch (error) {
          if (failureKind(error) !== 'file') throw error;
          throw new TidemarkError('SOURCE_UNREADABLE', `Cannot read the table: ${duckDbReason(error)}.`, {
            cause: error,
          });
        }
      }, request.signal),
  };
}

async function measure(connection: DuckDBConnection, request: LeakageRequest): Promise<LeakageMeasures> {
  const { label, columns, mostRows, onProgress } = request;
  const from = await tableOf(connection, request);
  const [total = 0] = await numbers(connection, `SELECT count(*) FROM ${from}`);
  const sampled = total > mostRows;
  const below = sampled ? (2n ** 64n * BigInt(mostRows)) / BigInt(total) : null;
  const rowsOf = (read: readonly GaugedColumn[]) => rowsSql(from, label, read, below);

  const [rows = 0, values = 0, commonest = 0] = await numbers(
    connection,
    `SELECT sum(n), count(*), max(n) FROM (SELECT count(*) AS n FROM ${rowsOf([])} GROUP BY l)`,
  );
  if (values < 2) return { rows, sampled, label: 'constant', columns: [] };
  const kind: LabelKind = values === 2 ? 'binary' : label.kind === 'ordered' ? 'ordered' : 'classes';
  await connection.run(`CREATE OR REPLACE TEMP TABLE __labels AS ${labelsSql(kind, rowsOf([]))}`);

  const measured: ColumnMeasure[] = [];
  for (let at = 0; at < columns.length; at += AT_ONCE) {
    const batch = columns.slice(at, at + AT_ONCE);
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE __gauged AS SELECT * EXCLUDE (l) FROM ${rowsOf(batch)} JOIN __labels USING (l)`,
    );
    for (const [index, column] of batch.entries()) {
      onProgress?.({ column: column.name, share: (at + index) / columns.length });
      measured.push(
        await measureColumn(connection, column, `c${index}`, { kind, classes: values, commonest }),
      );
    }
  }
  await connection.run('DROP TABLE IF EXISTS __gauged; DROP TABLE __labels; DROP TABLE IF EXISTS __arrow');
  return { rows, sampled, label: kind, columns: measured };
}

/** What stands after FROM. */
async function tableOf(
  connection: DuckDBConnection,
  { table: { format, paths }, label, columns, signal }: LeakageRequest,
): Promise<string> {
  if (format !== 'arrow') return await readableTable(connection, { format, paths });
  const names = new Set([label, ...columns].map(({ name }) => name));
  await loadArrow(connection, paths, { table: '__arrow', columns: [...names], signal });
  return '__arrow';
}

async function measureColumn(
  connection: DuckDBConnection,
  column: GaugedColumn,
  place: string,
  label: { readonly kind: LabelKind; readonly classes: number; readonly commonest: number },
): Promise<ColumnMeasure> {
  const targets =
    label.kind === 'classes'
      ? Array.from({ length: Math.min(MOST_CLASSES, label.classes) }, (_, k) => `(y = ${k})::BIGINT`)
      : ['y'];
  const value = createMean();
  const missing = createMean();
  let [rows, nulls] = [0, 0];
  for (const target of targets) {
    const [known, unknown] = await factsOf(connection, place, target);
    [rows, nulls] = [known.rows, unknown.rows];
    // Of a class that all rows have, or none, nothing can be predicted.
    const weight = label.kind === 'classes' ? known.sum : 1;
    if (varies(known))
      value.add(await scoreByValue(connection, column, place, target, known, label.kind), weight);
    const all = known.sum + unknown.sum;
    if (nulls > 0 && rows > 0) {
      missing.add(scoreByNull(known, unknown, label.kind), label.kind === 'classes' ? all : 1);
    }
  }
  const [commonest = 0] = nulls === 0 ? [label.commonest] : await numbers(connection, commonestSql(place));
  return {
    name: column.name,
    byValue: measureOf(value.mean(), rows, commonest),
    byNull: measureOf(missing.mean(), rows + nulls, label.commonest),
  };
}

function measureOf(score: number | null, rows: number, commonest: number): Measure | null {
  return score === null ? null : { score: Number(score.toFixed(6)), rows, others: rows - commonest };
}

/** Sums over rows, of the target and of its square. */
interface Facts {
  readonly rows: number;
  readonly sum: number;
  readonly squares: number;
}

async function factsOf(
  connection: DuckDBConnection,
  place: string,
  target: string,
): Promise<readonly [known: Facts, unknown: Facts]> {
  const found = (await connection.runAndReadAll(factsSql(place, target))).getRows();
  const facts = (missing: boolean): Facts => {
    const [, rows = 0, sum = 0, squares = 0] = found.find(([one]) => one === missing) ?? [];
    return { rows: Number(rows), sum: Number(sum), squares: Number(squares) };
  };
  return [facts(false), facts(true)];
}

async function scoreByValue(
  connection: DuckDBConnection,
  { kind }: GaugedColumn,
  place: string,
  target: string,
  known: Facts,
  label: LabelKind,
): Promise<number> {
  if (label !== 'ordered') {
    const [row = []] = (await connection.runAndReadAll(aucSql(place, kind, target, known.rows))).getRows();
    const [order, group] = row.map((auc) => (typeof auc === 'number' ? auc : 0.5));
    // What a group predicts has a direction: below one half it is chance.
    return Math.max(order ?? 0.5, 1 - (order ?? 0.5), group ?? 0.5);
  }
  const sums = await numbers(connection, sumsSql(place, kind, known.rows));
  const correlation = ([sum = 0, squares = 0, products = 0]: readonly number[]) =>
    correlated({ rows: known.rows, sum, squares }, known, products);
  const order = kind === 'ordered' ? Math.abs(correlation(sums.slice(3))) : 0;
  return Math.min(1, Math.max(order, correlation(sums.slice(0, 3)), 0) ** 2);
}

function scoreByNull(known: Facts, unknown: Facts, label: LabelKind): number {
  const rows = known.rows + unknown.rows;
  const all = { rows, sum: known.sum + unknown.sum, squares: known.squares + unknown.squares };
  if (label !== 'ordered') {
    const of = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
    const among = of(unknown.sum, all.sum) - of(unknown.rows - unknown.sum, rows - all.sum);
    return all.sum === 0 || all.sum === rows ? 0.5 : 0.5 + Math.abs(among) / 2;
  }
  const indicator = { rows, sum: unknown.rows, squares: unknown.rows };
  return Math.min(1, correlated(indicator, all, unknown.sum) ** 2);
}

function varies({ rows, sum, squares }: Facts): boolean {
  return rows * squares - sum * sum > 0;
}

/** Pearson's correlation; 0 when one of the two does not vary. */
function correlated(a: Facts, b: Facts, products: number): number {
  const spread = ({ rows, sum, squares }: Facts) => squares - (sum / rows) * sum;
  const [one, other] = [spread(a), spread(b)];
  // What differs by less than rounding does not differ.
  if (one <= 1e-12 * a.squares || other <= 1e-12 * b.squares) return 0;
  return (products - (a.sum / a.rows) * b.sum) / Math.sqrt(one * other);
}

/** A weighted mean; null of nothing. */
function createMean() {
  let [sum, weights] = [0, 0];
  return {
    add(value: number, weight: number): void {
      sum += value * weight;
      weights += weight;
    },
    mean: () => (weights === 0 ? null : sum / weights),
  };
}

async function numbers(connection: DuckDBConnection, sql: string): Promise<readonly number[]> {
  const [row = []] = (await connection.runAndReadAll(sql)).getRows();
  return row.map(Number);
}
