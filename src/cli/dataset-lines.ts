import type { ColumnProfile } from '../offline/table-profiler.ts';
import type { TrainingSetDiff } from '../training/diff-training-sets.ts';
import { labelText, nullSharesOf, type TrainingSetManifest } from '../training/manifest.ts';
import type { RestatedInput } from '../training/restated-inputs.ts';
import type { Verification } from '../training/verify-training-set.ts';
import { bytesText, countText, table } from './output.ts';
import { forgottenWarnings, leakageWarnings } from './training-lines.ts';

/** How many characters of an id people are shown; more than enough to be the only one. */
const SHOWN = 16;

export function listLines(sets: readonly TrainingSetManifest[], service?: string): readonly string[] {
  if (sets.length === 0) {
    return service === undefined
      ? ['There are no training sets yet. Build one with: tidemark train']
      : [`There are no training sets of ${service} yet. Build one with: tidemark train --service ${service}`];
  }
  return table([
    ['id', 'created', 'rows', 'size', 'features', 'asked as'],
    ...sets.map(({ id, createdAt, data, contents, recipe }) => [
      id.slice(0, SHOWN),
      createdAt,
      countText(data.rows),
      bytesText(data.bytes),
      String(contents.outputs.length),
      askedAs(recipe.selection),
    ]),
  ]);
}

function askedAs(selection: TrainingSetManifest['recipe']['selection']): string {
  return selection.kind === 'service' ? `service ${selection.service}` : selection.references.join(' ');
}

export function showLines(
  manifest: TrainingSetManifest,
  folder: string,
  restated: readonly RestatedInput[],
): readonly string[] {
  const { id, contents, data, recipe, createdAt } = manifest;
  const nulls = nullSharesOf(manifest);
  return [
    `Training set ${id}`,
    `  ${folder}`,
    ...indented([
      ['created', createdAt],
      ['asked as', askedAs(recipe.selection)],
      ['rows', countText(data.rows)],
      [
        'entity rows',
        `${recipe.range === undefined ? '' : `all from ${recipe.range.from} to ${recipe.range.to}, `}${contents.spine.digest.slice(0, SHOWN)}, times in "${contents.spine.timestampField}"`,
      ],
      ['label', showLabel(manifest)],
      ['known at', contents.knownAt],
      ['engine', contents.engine],
      ['split', splitText(contents.layout.split)],
    ]),
    'Files',
    ...indented(
      data.files.map(({ path, rows, bytes, digest }) => [
        path,
        `${countText(rows)} rows`,
        bytesText(bytes),
        digest,
      ]),
    ),
    'Features',
    ...indented(
      contents.outputs.map(({ name, view, version, feature, type }) => [
        name,
        type,
        `${view}@v${version}:${feature}`,
        withValue(nulls[name] ?? null),
      ]),
    ),
    'Read from',
    ...indented(
      contents.views.map(({ view, version, fingerprint, slices }) => [
        `${view}@v${version}`,
        fingerprint.slice(0, SHOWN),
        `${slices.length} ${slices.length === 1 ? 'range' : 'ranges'} of files`,
      ]),
    ),
    ...leakageWarnings(data.possibleLeakage ?? []),
    ...forgottenWarnings(data.forgotten ?? []),
    ...(restated.length === 0
      ? ['Nothing that it was made of has changed since.']
      : [
          'Changed since: a set built now would differ, this one does not',
          ...indented(restated.map(({ view, kind, start, end }) => [view, kind, `[${start}, ${end})`])),
        ]),
  ];
}

function showLabel({ contents: { label }, data }: TrainingSetManifest): string {
  if (label === undefined) return 'none';
  const { leftOut = 0 } = data;
  const bound = label.kind === 'view' && label.notAfter !== null ? ` after ${label.notAfter}` : '';
  const left =
    leftOut === 0 ? '' : `; ${countText(leftOut)} rows${bound} left out, as their horizon had not passed`;
  return `${labelText(label)}${left}`;
}

function splitText(split: TrainingSetManifest['contents']['layout']['split']): string {
  if (split === null) return 'none';
  const by = split.kind === 'time' ? 'time' : `entity (${split.columns.join(', ')})`;
  return `${by} ${split.shares.join('/')}`;
}

export function verifyLines({ id, verdict, problems, files }: Verification): readonly string[] {
  const said = {
    same: 'the same bytes again',
    different: 'NOT the same',
    unverifiable: 'cannot be made again',
  };
  return [
    `Training set ${id.slice(0, SHOWN)}: ${said[verdict]}`,
    ...(verdict === 'same'
      ? files.map(({ path, recorded }) => `  ${path}  ${recorded}`)
      : problems.map((one) => `  ${one}`)),
  ];
}

export function diffLines({ ids, rows, inputs, columns }: TrainingSetDiff): readonly string[] {
  const [a, b] = ids.map((id) => id.slice(0, SHOWN));
  const changed = columns.filter(({ change }) => change !== 'same');
  return [
    `${a} / ${b}`,
    ids[0] === ids[1] ? 'The same set.' : `Made of: ${inputs.length === 0 ? 'the same' : inputs.join('; ')}`,
    `Rows: ${countText(rows[0])} / ${countText(rows[1])}`,
    changed.length === 0
      ? `All ${columns.length} columns are distributed the same.`
      : `${changed.length} of ${columns.length} columns differ:`,
    ...changed.flatMap(({ name, change, before, after }) => [
      `  ${name}: ${CHANGES[change]}`,
      ...sideBySide(before, after, rows).map((line) => `    ${line}`),
    ]),
  ];
}

const CHANGES = {
  same: 'the same',
  values: 'other values',
  type: 'another type',
  added: 'only in the second',
  removed: 'only in the first',
} as const;

function sideBySide(
  before: ColumnProfile | null,
  after: ColumnProfile | null,
  rows: readonly [number, number],
): readonly string[] {
  const [ours, theirs] = [measures(before, rows[0]), measures(after, rows[1])];
  const names = [...new Set([...ours.keys(), ...theirs.keys()])];
  return table(names.map((name) => [name, ours.get(name) ?? '-', theirs.get(name) ?? '-']));
}

function measures(column: ColumnProfile | null, rows: number): ReadonlyMap<string, string> {
  if (column === null) return new Map();
  const { type, nulls, least, greatest, numbers, top } = column;
  const found = new Map([
    ['type', type],
    ['null', rows === 0 ? '-' : percent(nulls / rows)],
  ]);
  if (least !== null) found.set('min', least);
  if (greatest !== null) found.set('max', greatest);
  if (numbers !== null) {
    found.set('mean', short(numbers.mean));
    for (const { share, value, exact } of numbers.quantiles) {
      const text = exact ?? (Number.isSafeInteger(value) ? String(value) : short(value));
      found.set(`p${Math.round(share * 100)}`, text);
    }
    if (numbers.notFinite > 0) found.set('not finite', countText(numbers.notFinite));
  }
  if (top !== null && top.length > 0) {
    found.set(
      'top',
      top
        .slice(0, 3)
        .map(
          ({ value, count }) => `${value === '' ? 'empty text' : value.slice(0, 24)} (${countText(count)})`,
        )
        .join(', '),
    );
  }
  return found;
}

function indented(rows: readonly (readonly string[])[]): readonly string[] {
  return table(rows).map((line) => `  ${line}`);
}

function withValue(nullShare: number | null): string {
  return nullShare === null ? 'no rows' : `${percent(1 - nullShare)} with a value`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}
