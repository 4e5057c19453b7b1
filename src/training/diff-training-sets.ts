import { join } from 'node:path';
import { canonicalJson } from '../core/canonical.ts';
import { formatViewVersion } from '../core/feature-view.ts';
import type { ColumnProfile, TableProfile, TableProfiler } from '../offline/table-profiler.ts';
import { keptProfile } from './kept-profile.ts';
import {
  labelText,
  type TrainingSetContents,
  type TrainingSetManifest,
  type ViewRecord,
} from './manifest.ts';
import { trainingSetFolder } from './training-set-folder.ts';

/** Two sets side by side. */
export interface TrainingSetDiff {
  readonly ids: readonly [string, string];
  readonly rows: readonly [number, number];
  /** What they were made of differently, in words; empty for two that are the same set. */
  readonly inputs: readonly string[];
  /** All columns of both, in the order of the first, then those that only the second has. */
  readonly columns: readonly ColumnDiff[];
}

export interface ColumnDiff {
  readonly name: string;
  readonly change: 'same' | 'values' | 'type' | 'added' | 'removed';
  readonly before: ColumnProfile | null;
  readonly after: ColumnProfile | null;
}

export interface DiffDeps {
  readonly profiler: TableProfiler;
  readonly offlineRoot: string;
}

/** Schema, rows and distributions. `same` means that the distributions are, which one pass can tell, not each row. */
export async function diffTrainingSets(
  before: TrainingSetManifest,
  after: TrainingSetManifest,
  deps: DiffDeps,
): Promise<TrainingSetDiff> {
  const profiles = [await profileOf(before, deps), await profileOf(after, deps)] as const;
  return {
    ids: [before.id, after.id],
    rows: [before.data.rows, after.data.rows],
    inputs: inputDifferences(before.contents, after.contents),
    columns: columnDiffs(...profiles),
  };
}

export async function profileOf(
  manifest: TrainingSetManifest,
  { profiler, offlineRoot }: DiffDeps,
  signal?: AbortSignal,
): Promise<TableProfile> {
  const { id, contents, data } = manifest;
  const folder = trainingSetFolder(offlineRoot, contents.project, id);
  const kept = await keptProfile(folder, manifest);
  if (kept !== undefined) return kept;
  const format = contents.layout.format === 'csv' ? 'csv' : 'parquet';
  const paths = data.files.map(({ path }) => join(folder, path));
  return await profiler.profile({ format, paths }, signal);
}

function columnDiffs(before: TableProfile, after: TableProfile): readonly ColumnDiff[] {
  const names = new Set([...before.columns, ...after.columns].map(({ name }) => name));
  return [...names].map((name): ColumnDiff => {
    const one = before.columns.find((column) => column.name === name) ?? null;
    const other = after.columns.find((column) => column.name === name) ?? null;
    return { name, change: changeOf(one, other), before: one, after: other };
  });
}

function changeOf(before: ColumnProfile | null, after: ColumnProfile | null): ColumnDiff['change'] {
  if (before === null) return 'added';
  if (after === null) return 'removed';
  if (before.type !== after.type) return 'type';
  return canonicalJson(before) === canonicalJson(after) ? 'same' : 'values';
}

function labelOf({ label }: TrainingSetContents): string {
  if (label === undefined) return 'none';
  const bound = label.kind === 'view' && label.notAfter !== null ? `, rows until ${label.notAfter}` : '';
  return `${labelText(label)}${bound}`;
}

function filesOf({ slices, replaced = [] }: ViewRecord): string {
  return canonicalJson([slices, replaced]);
}

function inputDifferences(before: TrainingSetContents, after: TrainingSetContents): readonly string[] {
  const differences: string[] = [];
  const tell = (what: string, one: string, other: string) => {
    if (one !== other) differences.push(`${what}: ${one} / ${other}`);
  };
  if (before.spine.digest !== after.spine.digest) differences.push('other entity rows');
  tell('known at', before.knownAt, after.knownAt);
  tell('label', labelOf(before), labelOf(after));
  tell('layout', canonicalJson(before.layout), canonicalJson(after.layout));
  tell('engine', before.engine, after.engine);
  const views = (contents: TrainingSetContents) =>
    new Map(
      contents.views.map((record) => [
        `${formatViewVersion(record)} ${canonicalJson(record.keys)} ${record.horizon ?? ''}`,
        record,
      ]),
    );
  const [ours, theirs] = [views(before), views(after)];
  for (const [key, record] of ours) {
    const other = theirs.get(key);
    const name = formatViewVersion(record);
    if (other === undefined) differences.push(`only the first reads ${name}`);
    else if (record.fingerprint !== other.fingerprint) differences.push(`${name}: another definition`);
    else if (filesOf(record) !== filesOf(other)) {
      differences.push(`${name}: other files of the offline store`);
    }
  }
  for (const [key, record] of theirs) {
    if (!ours.has(key)) differences.push(`only the second reads ${formatViewVersion(record)}`);
  }
  if (canonicalJson(before.onDemand) !== canonicalJson(after.onDemand))
    differences.push('other on-demand functions');
  return differences;
}
