import { formatViewVersion } from '../core/feature-view.ts';
import type { Micros } from '../core/time.ts';
import type { Definition } from '../define/definition.ts';
import type { LoadedDefinition, LoadedRepo } from '../repo/load-repo.ts';
import { type FieldProblem, type Finding, finding, placeOf } from './finding.ts';
import { type Inventory, takeInventory } from './inventory.ts';
import { entitySchema, postgresSourceSchema, projectSchema, sourceSchema } from './object-schemas.ts';
import { pushSourceSchema } from './push-source-schema.ts';
import { problemsOf } from './schema-problems.ts';
import { batchViewProblems } from './validate-batch-view.ts';
import { onDemandProblems, serviceProblems } from './validate-references.ts';
import { trainingSetScheduleProblems } from './validate-training-set-schedule.ts';

export interface Validation {
  readonly inventory: Inventory;
  /** Every mistake that can be seen without looking at a source. */
  readonly findings: readonly Finding[];
  /** The definitions without one: these can be held against their sources. */
  readonly sound: ReadonlySet<Definition>;
}

/** Checks all definitions of a repository, each on its own and all together. Never throws. */
export function validate(repo: LoadedRepo, now: Micros): Validation {
  const inventory = takeInventory(repo);
  const { projects, entities, sources, batchViews, onDemandViews, services, trainingSetSchedules } =
    inventory;
  const findings: Finding[] = [];
  const unsound = new Set<Definition>();
  const check = (
    loaded: readonly LoadedDefinition[],
    problems: (config: never) => readonly FieldProblem[],
  ) => {
    for (const each of loaded) {
      for (const { field, message } of problems(each.definition.config as never)) {
        findings.push(finding(each, field, message));
        unsound.add(each.definition);
      }
    }
  };
  check(projects, (config) => problemsOf(projectSchema, config));
  check(entities, (config) => problemsOf(entitySchema, config));
  const filesAndOthers = Object.groupBy(sources, ({ definition }) => definition.kind);
  check(filesAndOthers.file_source ?? [], (config) => problemsOf(sourceSchema, config));
  check(filesAndOthers.postgres_source ?? [], (config) => problemsOf(postgresSourceSchema, config));
  check(filesAndOthers.push_source ?? [], (config) => problemsOf(pushSourceSchema, config));
  check(batchViews, (config) => batchViewProblems(config, now));
  check(onDemandViews, (config) => onDemandProblems(config, inventory));
  check(services, (config) => serviceProblems(config, inventory));
  check(trainingSetSchedules, (config) => trainingSetScheduleProblems(config, inventory));

  const unique = (loaded: readonly LoadedDefinition[], what: string, id: (config: never) => string) => {
    const first = new Map<string, LoadedDefinition>();
    for (const each of loaded) {
      const key = id(each.definition.config as never);
      const before = first.get(key);
      if (before === undefined) first.set(key, each);
      else {
        findings.push(
          finding(each, what, `found again, it is defined in ${placeOf(before)}; allowed is once`),
        );
        unsound.add(each.definition);
      }
    }
  };
  const byName = (config: { readonly name?: unknown } | undefined) => String(config?.name);
  unique(entities, 'name', byName);
  unique(sources, 'name', byName);
  unique(services, 'name', byName);
  unique(trainingSetSchedules, 'name', byName);
  unique([...batchViews, ...onDemandViews], 'name and version', viewId);
  findings.push(...kindsThatDiffer(inventory), ...keyTypesThatDiffer(inventory));

  const sound = new Set(
    Object.values(inventory)
      .flat()
      .map(({ definition }: LoadedDefinition) => definition)
      .filter((definition) => !unsound.has(definition)),
  );
  return { inventory, findings, sound };
}

function viewId(config: { readonly name?: unknown; readonly version?: unknown } | undefined): string {
  return formatViewVersion({ view: String(config?.name), version: Number(config?.version) });
}

/** A name is a batch view or an on-demand view in all its versions. */
function kindsThatDiffer({ batchViews, onDemandViews }: Inventory): readonly Finding[] {
  return onDemandViews.flatMap((view) => {
    const other = batchViews.find((each) => each.definition.config?.name === view.definition.config.name);
    if (other === undefined || viewId(other.definition.config) === viewId(view.definition.config)) return [];
    return [finding(view, 'name', `found the name of ${placeOf(other)}; allowed is a name of its own`)];
  });
}

/** A request names a join key without its entity, so one name has one type. */
function keyTypesThatDiffer({ entities }: Inventory): readonly Finding[] {
  const first = new Map<string, { readonly type: unknown; readonly at: LoadedDefinition }>();
  const findings: Finding[] = [];
  for (const at of entities) {
    const joinKeys: unknown = at.definition.config?.joinKeys;
    if (joinKeys === null || typeof joinKeys !== 'object') continue;
    for (const [key, type] of Object.entries(joinKeys)) {
      const before = first.get(key);
      if (before === undefined) first.set(key, { type, at });
      else if (before.type !== type) {
        findings.push(
          finding(
            at,
            `joinKeys.${key}`,
            `found ${String(type)}, while ${placeOf(before.at)} says ${String(before.type)}; allowed is one type for one join key`,
          ),
        );
      }
    }
  }
  return findings;
}
