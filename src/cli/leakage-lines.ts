import type { LeakageReport, RankedColumn } from '../training/check-leakage.ts';
import { countText, table } from './output.ts';

/** A leakage report for people: columns by how well they predict the label, and what to look at. */
export function leakageLines({
  id,
  label,
  measure,
  rows,
  sampled,
  columns,
  skipped,
}: LeakageReport): readonly string[] {
  const impossible = columns.filter((column) => column.impossible);
  const ranking = table([
    ['column', measure, 'by', 'type', 'from', ''],
    ...columns.map((column) => [
      column.name,
      column.score === null ? '-' : column.score.toFixed(4),
      byText(column),
      column.type,
      column.from,
      column.impossible ? 'IMPOSSIBLE' : '',
    ]),
  ]);
  return [
    `How well each column of training set ${id.slice(0, 16)} alone predicts ${label}, in ${sampled ? 'a sample of ' : ''}${countText(rows)} rows (${measure}: ${measure === 'AUC' ? '0.5' : '0'} is chance, 1 is perfect)`,
    ...ranking.map((line) => `  ${line}`),
    ...(skipped.length === 0
      ? []
      : [`  not measured: ${skipped.map(({ name, type }) => `${name} (${type})`).join(', ')}`]),
    impossible.length === 0
      ? 'No column is too good to be true.'
      : `Too good to be true: ${impossible.map(({ name }) => name).join(', ')}. Such a column knows the label: look at what it is made of, and when it is known.`,
  ];
}

function byText({ by }: RankedColumn): string {
  if (by === null) return 'nothing to measure';
  return by === 'value' ? 'its values' : 'being null';
}
