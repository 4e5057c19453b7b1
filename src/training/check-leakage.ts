import { join } from 'node:path';
import { TidemarkError } from '../core/errors.ts';
import type { ValueType } from '../core/value-type.ts';
import type { ColumnMeasure, GaugedColumn, LeakageGauge, LeakageMeasures } from '../offline/leakage-gauge.ts';
import { labelText, type TrainingSetManifest } from './manifest.ts';
import { trainingSetFolder } from './training-set-folder.ts';

/** A set's columns by how well each alone predicts the label, best first. How it is measured: `LeakageGauge`. */
export interface LeakageReport {
  readonly id: string;
  readonly label: string;
  /** AUC: 0.5 is chance. R²: 0 is. Of both, 1 is perfect. */
  readonly measure: 'AUC' | 'R²';
  /** Rows with a label that were measured, and whether they are a sample of the set's. */
  readonly rows: number;
  readonly sampled: boolean;
  readonly columns: readonly RankedColumn[];
  /** Lists, vectors, bytes and json: their values are not compared. */
  readonly skipped: readonly { readonly name: string; readonly type: ValueType }[];
}

export interface RankedColumn {
  readonly name: string;
  /** Entity rows bring columns along that a model may be trained on, too. Their keys and times are not ranked. */
  readonly from: 'feature' | 'entity row';
  readonly type: ValueType;
  /** Null when there was nothing to measure: no values, or none for two different labels. */
  readonly score: number | null;
  /** What predicts: the values, or whether there is one. */
  readonly by: 'value' | 'null' | null;
  /** Too good to be a feature: look where it comes from. */
  readonly impossible: boolean;
}

/**
 * From here on a column is told to be impossible. What people call a strong feature alone reaches an AUC of 0.8 to 0.9
 * (0.9 counts as outstanding: Hosmer & Lemeshow, Applied Logistic Regression); at 0.99 one of a hundred pairs is ranked
 * wrongly, which next to a copy of the label leaves room only for noise. R² alike: 1 % of the variance is left.
 */
export const IMPOSSIBLE = { AUC: 0.99, 'R²': 0.99 } as const;
/**
 * Fewer rows prove nothing: a perfect separation comes about by chance. Ten rows of the rarer outcome are the least
 * that is asked of a logistic regression per predictor (Peduzzi et al. 1996); of a hundred rows they are a tenth.
 */
export const LEAST_ROWS = 100;
export const LEAST_OTHERS = 10;
/** Of larger sets a fixed sample is measured: the error of an AUC of 0.9 is then below 0.001. */
export const MOST_ROWS = 1_000_000;

export interface LeakageDeps {
  readonly leakage: LeakageGauge;
  readonly offlineRoot: string;
}

/** REQUEST_INVALID when the set has no label, or one that cannot be measured. */
export async function checkLeakage(
  manifest: TrainingSetManifest,
  { leakage, offlineRoot }: LeakageDeps,
  signal?: AbortSignal,
): Promise<LeakageReport> {
  const { id, contents, data } = manifest;
  const { label, layout } = contents;
  const refuse = (reason: string) =>
    new TidemarkError(
      'REQUEST_INVALID',
      `Cannot check training set ${id.slice(0, 16)} for leakage: ${reason}.`,
    );
  if (label === undefined) {
    throw refuse('it has no label; build it with --label, a column of the entity rows or view:feature');
  }
  const kind = kindOf(label.type);
  if (kind === undefined)
    throw refuse(`its label "${label.name}" is ${label.type}, which cannot be predicted`);
  const columns = columnsOf(manifest);
  const gauged = columns.flatMap(({ name, type }): GaugedColumn[] => {
    const own = kindOf(type);
    return own === undefined ? [] : [{ name, kind: own }];
  });
  const folder = trainingSetFolder(offlineRoot, contents.project, id);
  const measures = await leakage.measure({
    table: { format: layout.format, paths: data.files.map(({ path }) => join(folder, path)) },
    label: { name: label.name, kind },
    columns: gauged,
    mostRows: MOST_ROWS,
    ...(signal === undefined ? {} : { signal }),
  });
  if (measures.label === 'constant') {
    throw refuse(
      measures.rows === 0
        ? `no row has a value of its label "${label.name}"`
        : `its label "${label.name}" is the same in all rows`,
    );
  }
  const measure = measures.label === 'ordered' ? 'R²' : 'AUC';
  return {
    id,
    label: labelText(label),
    measure,
    rows: measures.rows,
    sampled: measures.sampled,
    columns: ranked(columns, measures, measure),
    skipped: columns
      .filter(({ type }) => kindOf(type) === undefined)
      .map(({ name, type }) => ({ name, type })),
  };
}

/** What is ranked: features, and what else entity rows have besides keys, times and the label. */
function columnsOf({
  contents,
}: TrainingSetManifest): readonly Pick<RankedColumn, 'name' | 'type' | 'from'>[] {
  const { label, spine, outputs, views } = contents;
  const keys = new Set([
    spine.timestampField,
    label?.name,
    ...views.flatMap(({ keys: own }) => Object.values(own)),
  ]);
  return [
    ...outputs.map(({ name, type }) => ({ name, type, from: 'feature' as const })),
    ...spine.columns
      .filter(({ name }) => !keys.has(name))
      .map(({ name, type }) => ({ name, type, from: 'entity row' as const })),
  ];
}

function ranked(
  columns: readonly Pick<RankedColumn, 'name' | 'type' | 'from'>[],
  measures: LeakageMeasures,
  measure: LeakageReport['measure'],
): readonly RankedColumn[] {
  return measures.columns
    .flatMap((found): RankedColumn[] => {
      const column = columns.find(({ name }) => name === found.name);
      return column === undefined ? [] : [{ ...column, ...judged(found, IMPOSSIBLE[measure]) }];
    })
    .toSorted((a, b) => (b.score ?? -1) - (a.score ?? -1) || (a.name < b.name ? -1 : 1));
}

/** The better of the two ways; values first, should they be equal. */
function judged(
  { byValue, byNull }: ColumnMeasure,
  least: number,
): Pick<RankedColumn, 'score' | 'by' | 'impossible'> {
  const impossible = [byValue, byNull].some(
    (one) => one !== null && one.score >= least && one.rows >= LEAST_ROWS && one.others >= LEAST_OTHERS,
  );
  const byNullBest = byNull !== null && byNull.score > (byValue?.score ?? -1);
  const best = byNullBest ? byNull : byValue;
  if (best === null) return { score: null, by: null, impossible };
  return { score: best.score, by: byNullBest ? 'null' : 'value', impossible };
}

function kindOf(type: ValueType): GaugedColumn['kind'] | undefined {
  switch (type) {
    case 'bool':
    case 'string':
      return 'category';
    case 'int32':
    case 'int64':
    case 'float32':
    case 'float64':
    case 'timestamp':
    case 'date':
      return 'ordered';
    default:
      return undefined;
  }
}
