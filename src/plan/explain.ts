import type { BatchViewSpec } from '../core/feature-view.ts';
import { findView, type Manifest } from '../core/manifest.ts';
import { sourceAddress } from '../core/source.ts';
import { durationOf, formatDuration } from '../core/time.ts';
import { describeCron } from './describe-cron.ts';
import type { FieldChange, Plan, PlannedBackfill, PlannedChange, PlannedSchedule } from './plan.ts';

/** A plan for people, line by line: the same plan gives the same lines. */
export function explainPlan(plan: Plan): readonly string[] {
  const { project, baseRevision, changes, schedules, backfills, notedFunctions = [], hash } = plan;
  const base = baseRevision === 0 ? 'never applied' : `on revision ${baseRevision}`;
  return [
    `Project ${project}, ${base}, plan ${hash.slice(0, 12)}`,
    ...(changes.length === 0 && schedules.length === 0
      ? ['No changes.']
      : [
          ...section('Changes', changeLines(changes, plan.manifest)),
          ...section(
            'Schedules',
            aligned(
              schedules.map((planned) => [
                `${ACTION_SIGNS[planned.action]} ${scheduledText(planned)}`,
                ACTION_WORDS[planned.action] ?? `${describeCron(planned.cron)} (${planned.cron})`,
              ]),
            ),
          ),
        ]),
    ...section('Functions, compared from this apply on', [...notedFunctions]),
    ...section('Missing intervals', aligned(backfills.map(backfillCells))),
  ];
}

/** `ttl: 7d → 14d`. */
export function formatFieldChange({ field, from, to }: FieldChange): string {
  const short = (text: string) => text.replace(/\s+/g, ' ');
  if (from === null) return `${field}: + ${short(to ?? '')}`;
  if (to === null) return `${field}: - ${short(from)}`;
  return `${field}: ${short(from)} → ${short(to)}`;
}

const SIGNS: Readonly<Record<PlannedChange['change'], string>> = { added: '+', changed: '~', removed: '-' };
const ACTION_SIGNS = { create: '+', change: '~', pause: '~', resume: '~', delete: '-' } as const;
const ACTION_WORDS: Partial<Record<PlannedSchedule['action'], string>> = {
  pause: 'paused',
  resume: 'resumed',
  delete: 'deleted',
};

function scheduledText(planned: PlannedSchedule): string {
  return 'trainingSet' in planned
    ? `training set ${planned.trainingSet}`
    : `${planned.view}@v${planned.version}`;
}

function changeLines(changes: readonly PlannedChange[], manifest: Manifest): readonly string[] {
  const heads = aligned(
    changes.map((change) => [
      `${SIGNS[change.change]} ${change.kind}`,
      change.object,
      change.change === 'added'
        ? describe(change, manifest)
        : change.change === 'changed'
          ? `(${change.severity})`
          : '',
    ]),
  );
  return changes.flatMap(({ fields }, index) => [
    heads[index] ?? '',
    ...fields.map((field) => `    ${formatFieldChange(field)}`),
  ]);
}

function describe({ kind, object }: PlannedChange, manifest: Manifest): string {
  switch (kind) {
    case 'entity':
      return keysText(manifest.entities.find(({ name }) => name === object)?.joinKeys ?? []);
    case 'source': {
      const source = manifest.sources.find(({ name }) => name === object);
      return source === undefined ? '' : `${source.kind} ${sourceAddress(source)}`;
    }
    case 'feature_service': {
      const members = manifest.services.find(({ name }) => name === object)?.members ?? [];
      const features = members.reduce((sum, member) => sum + member.features.length, 0);
      return `${counted(features, 'feature')} of ${counted(members.length, 'view')}`;
    }
    case 'training_set_schedule': {
      const spec = manifest.trainingSetSchedules.find(({ name }) => name === object);
      if (spec === undefined) return '';
      const { features } = spec;
      const what =
        features.kind === 'service'
          ? features.service
          : counted(features.references.length, 'feature reference');
      return `${what}, ${describeCron(spec.schedule)}`;
    }
    case 'batch_view':
    case 'on_demand_view': {
      const [name = '', version] = object.split('@v');
      const view = findView(manifest, name, Number(version));
      const features = counted(view?.features.length ?? 0, 'feature');
      return view?.kind === 'batch_view' ? `${features}, ${batchText(view)}` : `${features}, on demand`;
    }
  }
}

function batchText({ joinKeys, schedule, ttl, online }: BatchViewSpec): string {
  return [
    ...(joinKeys.length === 0 ? ['no keys'] : []),
    describeCron(schedule),
    ...(ttl === null ? [] : [`ttl ${ttl}`]),
    ...(online ? [] : ['offline only']),
  ].join(', ');
}

function keysText(joinKeys: readonly { readonly name: string; readonly type: string }[]): string {
  return joinKeys.map(({ name, type }) => `${name} ${type}`).join(', ');
}

function backfillCells(backfill: PlannedBackfill): readonly string[] {
  const { view, version, missing, intervals, rows, bytes, seconds, onlineBytes } = backfill;
  const gaps = missing.length > 1 ? ` in ${missing.length} gaps` : '';
  return [
    `${view}@v${version}`,
    `${counted(intervals, 'interval')}${gaps}`,
    `${missing[0]?.start} to ${missing.at(-1)?.end}`,
    `reads ${counted(rows, 'row')} (${formatBytes(bytes)})`,
    `~${formatDuration(durationOf(`${seconds}s`))}`,
    onlineBytes === 0 ? '' : `online up to ${formatBytes(onlineBytes)}`,
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

/** Columns padded to their widest cell, two spaces apart. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}
