import type { ForgottenRange, PossibleLeakage } from '../training/manifest.ts';
import { countText, table } from './output.ts';
import type { TrainedHere } from './train-here.ts';

/** A training set for people: what it is, where it lies, and how much of each feature has a value. */
export function trainingLines({
  id,
  rows,
  seconds,
  path,
  reused,
  nullShares,
  parts,
  statistics,
  label,
  possibleLeakage = [],
  forgotten = [],
}: TrainedHere): readonly string[] {
  const features = table([
    ['feature', 'with a value'],
    ...Object.entries(nullShares).map(([feature, share]) => [
      feature,
      share === null ? '-' : `${((1 - share) * 100).toFixed(1)} %`,
    ]),
  ]);
  return [
    `Training set ${id.slice(0, 16)}: ${countText(rows)} rows ${reused ? 'there already' : `in ${seconds.toFixed(1)} s`}`,
    `  ${path}`,
    ...(statistics === undefined ? [] : [`  ${statistics}`]),
    ...Object.entries(parts ?? {}).map(([part, count]) => `  ${part}: ${countText(count)} rows`),
    ...(rows === 0 ? [] : emptyParts(parts)),
    ...(label === undefined ? [] : [`  label: ${label.text}${labelFacts(label)}`]),
    ...features.map((line) => `  ${line}`),
    ...leakageWarnings(possibleLeakage),
    ...forgottenWarnings(forgotten),
  ];
}

/** A split by entity has no rows to spare: all of one entity are in one part. */
function emptyParts(parts: TrainedHere['parts'] = {}): readonly string[] {
  const empty = Object.entries(parts).flatMap(([part, count]) => (count === 0 ? [part] : []));
  if (empty.length === 0) return [];
  const are = empty.length === 1 ? 'has no rows' : 'have no rows';
  return [`  ${empty.join(' and ')} ${are}: there are too few different times or entities for these shares`];
}

function labelFacts({ leftOut, nullShare }: NonNullable<TrainedHere['label']>): string {
  const value = nullShare === null ? '' : `; ${((1 - nullShare) * 100).toFixed(1)} % with a value`;
  const left = leftOut === 0 ? '' : `; ${countText(leftOut)} rows left out, as their horizon had not passed`;
  return `${value}${left}`;
}

/** What was found, and what to do about it. */
export function leakageWarnings(found: readonly PossibleLeakage[]): readonly string[] {
  return found.map(({ view, keys, rows, share }) => {
    const renamed = Object.entries(keys).filter(([key, column]) => key !== column);
    const by = renamed.length === 0 ? '' : `, read by ${renamed.map(([, column]) => column).join(', ')},`;
    return (
      `possible leakage: ${view}${by} gave ${countText(rows)} rows (${(share * 100).toFixed(1)} %) values of exactly their own times; ` +
      'if these come from the event that a row tells of, give the view a dataDelay, or the rows an earlier time'
    );
  });
}

/** What could not be read as it was known, and what that means. */
export function forgottenWarnings(found: readonly ForgottenRange[]): readonly string[] {
  return found.map(
    ({ view, start, end }) =>
      `not as it was known: ${view} was restated from ${start} to ${end}, and files of before are gone; ` +
      'values that count later data are left out, and much older ones may stand in their place',
  );
}
