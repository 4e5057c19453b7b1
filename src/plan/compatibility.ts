import { keepsEveryValue, widerTypes } from '../core/accepted-types.ts';
import type { Problem } from '../core/errors.ts';
import { type FeatureViewSpec, formatViewVersion } from '../core/feature-view.ts';
import { type Manifest, versionsOf } from '../core/manifest.ts';
import type { PushSourceSpec } from '../core/source.ts';
import type { ValueType } from '../core/value-type.ts';
import { formatFieldChange } from './explain.ts';
import type { PlannedChange } from './plan.ts';
import type { PlanFacts } from './plan-facts.ts';

/**
 * What of the changes would break someone: values of a version that change in place, and versions removed
 * while somebody reads them; and columns of pushed rows in a type that does not hold all that was pushed. Each says what
 * to write instead. Services have no version: theirs are shown, not refused.
 */
export function incompatibilities(
  previous: Manifest,
  next: Manifest,
  changes: readonly PlannedChange[],
  facts: Pick<PlanFacts, 'consumers' | 'servingVersions' | 'files'>,
): readonly Problem[] {
  const changedInPlace = next.views.flatMap((view) => {
    const change = changeOf(view, changes);
    if (change?.change !== 'changed' || change.severity !== 'breaking') return [];
    return [inPlace(view, change, previous, next, facts.files)];
  });
  const removed = previous.views.flatMap((view) =>
    changeOf(view, changes)?.change === 'removed' ? removal(view, next, facts) : [],
  );
  return [...retypedColumns(previous, next), ...changedInPlace, ...removed];
}

function retypedColumns(previous: Manifest, next: Manifest): readonly Problem[] {
  return pushSources(next).flatMap(({ name: source, columns }) => {
    const before = pushSources(previous).find(({ name }) => name === source)?.columns ?? [];
    return columns.flatMap(({ name, type }): readonly Problem[] => {
      const was = before.find((column) => column.name === name)?.type;
      if (was === undefined || was === type || keepsEveryValue(was, type)) return [];
      const change = formatFieldChange({ field: `columns.${name}`, from: was, to: type });
      return [{ where: `source "${source}"`, message: `${change}. ${retypedAdvice(name, was)}` }];
    });
  });
}

function pushSources({ sources }: Manifest): readonly PushSourceSpec[] {
  return sources.filter((source) => source.kind === 'push');
}

function retypedAdvice(name: string, was: ValueType): string {
  const wider = widerTypes(was).filter((type) => type !== was && keepsEveryValue(was, type));
  const allowed = wider.length === 0 ? '' : ` (it may become ${wider.join(' or ')})`;
  return (
    `Rows that were pushed as ${was} are kept, and may have no such value: keep "${name}" as it was${allowed}, and ` +
    `push the new type as a column beside it, such as "${name}_v2".`
  );
}

function changeOf(view: FeatureViewSpec, changes: readonly PlannedChange[]): PlannedChange | undefined {
  const object = formatViewVersion({ view: view.name, version: view.version });
  return changes.find(
    (change) =>
      change.object === object && (change.kind === 'batch_view' || change.kind === 'on_demand_view'),
  );
}

function inPlace(
  { name, version }: FeatureViewSpec,
  { fields, object }: PlannedChange,
  previous: Manifest,
  next: Manifest,
  files: PlanFacts['files'],
): Problem {
  const newest = Math.max(...versionsOf(previous, name), ...versionsOf(next, name));
  const file = files.get(object);
  const what = fields.map(formatFieldChange).join('; ');
  return {
    where: `${file === undefined ? '' : `${file}, `}view "${name}"`,
    message:
      `${what}. This breaks ${object}: keep version ${version} as it was, and define the change beside it ` +
      `with version: ${newest + 1}${file === undefined ? '' : ` in ${file}`}.`,
  };
}

function removal(
  { name, version, kind }: FeatureViewSpec,
  next: Manifest,
  { consumers, servingVersions }: Pick<PlanFacts, 'consumers' | 'servingVersions'>,
): readonly Problem[] {
  const object = formatViewVersion({ view: name, version });
  const where = `view "${name}"`;
  const problems: Problem[] = [];
  const readers = consumers.get(object) ?? [];
  if (readers.length > 0) {
    problems.push({
      where,
      message: `${object} would be removed, and is read by ${readers.join(', ')}: keep its definition until they have moved on.`,
    });
  }
  const left = versionsOf(next, name);
  // An on-demand view has nothing to compute first: another version can serve at once.
  if (kind === 'batch_view' && left.length > 0 && servingVersions.get(name) === version) {
    problems.push({
      where,
      message:
        `${object} would be removed while it is the serving version: keep its definition beside version ` +
        `${left.join(' and ')}, move readers with tidemark migrate ${name}, then remove it.`,
    });
  }
  return problems;
}
