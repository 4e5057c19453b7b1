import { bytesText, table } from '../src/cli/output.ts';
import type { Case } from './benchmark.ts';
import { type Measured, median } from './measure.ts';

/** A benchmark's table: medians of the runs of each case. */
export function report(
  cases: readonly Case[],
  runs: ReadonlyMap<string, readonly Measured[]>,
): readonly string[] {
  const all = [...runs.values()].flat();
  const things = unique(all.map(({ done }) => done));
  const parts = unique(all.map(({ seconds }) => seconds ?? {}));
  const amounts = unique(all.map(({ bytes }) => bytes ?? {}));
  const compared = cases.some(({ against }) => against !== undefined);
  const head = [
    'case',
    'time',
    'CPU time',
    ...things.map((thing) => `${thing}/s`),
    ...parts,
    ...amounts,
    'peak memory',
    'of it before',
    ...(compared ? ['rate ratio'] : []),
  ];
  return table([
    head,
    ...cases.map((one) => {
      const measured = runs.get(one.name) ?? [];
      const rate = (thing: string) => rateOf(measured, thing);
      const part = (name: string) =>
        measured.some(({ seconds }) => seconds?.[name] !== undefined)
          ? timeText(median(measured.map(({ seconds }) => seconds?.[name] ?? Number.NaN)))
          : '';
      return [
        one.name,
        timeText(median(measured.map(({ elapsed }) => elapsed))),
        timeText(median(measured.map(({ processor }) => processor))),
        ...things.map((thing) => rateText(rate(thing))),
        ...parts.map(part),
        ...amounts.map((name) => amountText(measured.flatMap(({ bytes }) => bytes?.[name] ?? []))),
        bytesText(median(measured.map(({ peak }) => peak))),
        bytesText(median(measured.map(({ before }) => before))),
        ...(compared ? [ratioText(one, measured, runs)] : []),
      ];
    }),
  ]);
}

function ratioText(
  { against }: Case,
  measured: readonly Measured[],
  runs: ReadonlyMap<string, readonly Measured[]>,
): string {
  if (against === undefined) return '';
  const [thing = ''] = Object.keys(measured[0]?.done ?? {});
  const ratio = rateOf(measured, thing) / rateOf(runs.get(against) ?? [], thing);
  return `${ratio.toFixed(2)} of ${against}`;
}

function rateOf(measured: readonly Measured[], thing: string): number {
  return median(measured.map(({ done, elapsed }) => (done[thing] ?? Number.NaN) / elapsed));
}

function unique(records: readonly Readonly<Record<string, number>>[]): readonly string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))];
}

function rateText(rate: number): string {
  if (Number.isNaN(rate)) return '';
  return rate.toLocaleString('en-US', { maximumFractionDigits: rate < 100 ? 1 : 0 });
}

function amountText(amounts: readonly number[]): string {
  return amounts.length === 0 ? '' : bytesText(Math.round(median(amounts)));
}

function timeText(seconds: number): string {
  if (seconds < 0.000_1) return `${(seconds * 1e6).toFixed(2)} µs`;
  return seconds < 0.1 ? `${(seconds * 1000).toFixed(2)} ms` : `${seconds.toFixed(2)} s`;
}
