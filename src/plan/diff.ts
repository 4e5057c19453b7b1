import { formatViewVersion } from '../core/feature-view.ts';
import type { Manifest } from '../core/manifest.ts';
import type { FieldChange, PlannedChange } from './plan.ts';
import {
  entityFields,
  type Severity,
  type SpecField,
  serviceFields,
  sourceFields,
  trainingSetScheduleFields,
  viewFields,
} from './spec-fields.ts';

/** An object of a manifest, ready to be compared. */
interface Entry {
  readonly kind: PlannedChange['kind'];
  readonly object: string;
  readonly fields: readonly SpecField[];
}

/** What makes `next` of `previous`, object by object; sorted by kind, then name. Empty when they mean the same. */
export function diffManifests(previous: Manifest, next: Manifest): readonly PlannedChange[] {
  const before = entriesOf(previous);
  const after = entriesOf(next);
  const changes: PlannedChange[] = [];
  for (const [id, entry] of after) {
    const old = before.get(id);
    if (old === undefined)
      changes.push({ ...bare(entry), change: 'added', severity: 'additive', fields: [] });
    else {
      const { fields, severity } = diffFields(old.fields, entry.fields);
      if (fields.length > 0) changes.push({ ...bare(entry), change: 'changed', severity, fields });
    }
  }
  for (const [id, entry] of before) {
    if (after.has(id)) continue;
    // Values disappear with a view or a service.
    const severity = TAKE_NOTHING_ALONG.has(entry.kind) ? 'metadata' : 'breaking';
    changes.push({ ...bare(entry), change: 'removed', severity, fields: [] });
  }
  return changes.toSorted(
    (a, b) => ORDER[a.kind] - ORDER[b.kind] || (a.object < b.object ? -1 : a.object > b.object ? 1 : 0),
  );
}

const ORDER: Readonly<Record<PlannedChange['kind'], number>> = {
  entity: 0,
  source: 1,
  batch_view: 2,
  on_demand_view: 3,
  feature_service: 4,
  training_set_schedule: 5,
};

/** Nobody uses the entity or source any more; the sets that a schedule has made stay. */
const TAKE_NOTHING_ALONG: ReadonlySet<PlannedChange['kind']> = new Set([
  'entity',
  'source',
  'training_set_schedule',
]);

function entriesOf(manifest: Manifest): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>();
  const add = (space: string, kind: Entry['kind'], object: string, fields: readonly SpecField[]) =>
    entries.set(`${space} ${object}`, { kind, object, fields });
  for (const entity of manifest.entities) add('entity', 'entity', entity.name, entityFields(entity));
  for (const source of manifest.sources) add('source', 'source', source.name, sourceFields(source));
  for (const view of manifest.views) {
    add('view', view.kind, formatViewVersion({ view: view.name, version: view.version }), viewFields(view));
  }
  for (const service of manifest.services)
    add('service', 'feature_service', service.name, serviceFields(service));
  for (const schedule of manifest.trainingSetSchedules) {
    const fields = trainingSetScheduleFields(schedule);
    add('training set schedule', 'training_set_schedule', schedule.name, fields);
  }
  return entries;
}

function diffFields(
  before: readonly SpecField[],
  after: readonly SpecField[],
): { readonly fields: readonly FieldChange[]; readonly severity: Severity } {
  const old = new Map(before.map((field) => [field.field, field]));
  const fields: FieldChange[] = [];
  let severity: Severity = 'metadata';
  const changed = (from: SpecField | undefined, to: SpecField | undefined, how: Severity) => {
    fields.push({
      field: (to ?? from)?.field ?? '',
      from: from?.text ?? null,
      to: to?.text ?? null,
    });
    if (RANK[how] > RANK[severity]) severity = how;
  };
  for (const field of after) {
    const from = old.get(field.field);
    old.delete(field.field);
    if (from === undefined) {
      if (field.mayLack !== true) changed(undefined, field, field.severity('added'));
    } else if (from.identity !== field.identity) changed(from, field, field.severity('changed', from.text));
    else if (from.text !== field.text) changed(from, field, 'metadata');
  }
  for (const from of old.values()) {
    if (from.mayLack !== true) changed(from, undefined, from.severity('removed'));
  }
  return { fields, severity };
}

const RANK: Readonly<Record<Severity, number>> = { metadata: 0, additive: 1, breaking: 2 };

function bare({ kind, object }: Entry): Pick<PlannedChange, 'kind' | 'object'> {
  return { kind, object };
}
