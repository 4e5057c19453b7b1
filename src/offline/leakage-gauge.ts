import type { TableFormat } from '../core/table-format.ts';

/**
 * Measures how well each column of a table alone predicts one of them, the label. What predicts it nearly perfectly
 * is seldom a good feature: more often the label has leaked into it.
 *
 * The measure depends on the label:
 * - of two values: the area under the ROC curve (AUC), the chance that a row with the greater value is ranked above
 *   one with the other: the Mann-Whitney statistic with mid-ranks for ties (Hanley & McNeil 1982), whichever
 *   direction is better;
 * - of other text: AUC of each of the commonest classes against the rest, weighted by their rows (Provost & Domingos
 *   2001);
 * - of other numbers and times: R², of the ranks of the label, so that a few large values do not decide: the squared
 *   correlation with what is predicted (by order Spearman's, by group the effect size of Kruskal and Wallis' test).
 *
 * A column is used in these ways, and the best counts:
 * - by order (numbers and times): ranked by its values as they are;
 * - by group: each value of text, or each of up to a hundred quantile bins, predicts the mean label of its group,
 *   drawn to the mean of all where a group is small (Micci-Barreca 2001). The means are those of the other half of
 *   the rows, by a hash of their numbers: an id that each row has for itself predicts nothing then, where in-sample
 *   it would seem perfect (target leakage of encodings; Prokhorenkova et al. 2018);
 * - by null: only whether there is a value.
 *
 * Values are measured on the rows that have one. The same rows give the same numbers, to six digits.
 */
export interface LeakageGauge {
  /** SOURCE_UNREADABLE when a file cannot be read. */
  measure(request: LeakageRequest): Promise<LeakageMeasures>;
}

export interface LeakageRequest {
  /** Files that are one table together, in the order of its rows: absolute, at least one. */
  readonly table: { readonly format: TableFormat; readonly paths: readonly string[] };
  /** Rows without a label are not measured. */
  readonly label: GaugedColumn;
  readonly columns: readonly GaugedColumn[];
  /** Of more rows a fixed sample of about so many is measured. */
  readonly mostRows: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: { readonly column: string; readonly share: number }) => void;
}

export interface GaugedColumn {
  readonly name: string;
  /** Whether values are compared, as numbers and times are, or only told apart. */
  readonly kind: 'ordered' | 'category';
}

export interface LeakageMeasures {
  /** Rows that were measured, all with a label. */
  readonly rows: number;
  /** Whether they are a sample of the table's. */
  readonly sampled: boolean;
  /** `constant`: fewer than two values, so that nothing can be measured. */
  readonly label: 'binary' | 'ordered' | 'classes' | 'constant';
  /** In the order of the request; none for a constant label. */
  readonly columns: readonly ColumnMeasure[];
}

export interface ColumnMeasure {
  readonly name: string;
  /** Null without two different labels among the rows that have a value. */
  readonly byValue: Measure | null;
  /** Null when all rows have a value, or none. */
  readonly byNull: Measure | null;
}

export interface Measure {
  /** AUC, in [0.5, 1], or R², in [0, 1]. */
  readonly score: number;
  /** Rows that were measured. */
  readonly rows: number;
  /** Those of them whose label is not the commonest. */
  readonly others: number;
}
