import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Problem, problemsError, TidemarkError } from '../core/errors.ts';
import { formatViewVersion } from '../core/feature-view.ts';
import { type Definition, isDefinition } from '../define/definition.ts';
import type { Transform } from '../define/on-demand-view.ts';
import type { ProjectInput } from '../define/project.ts';
import { definitionFiles } from './definition-files.ts';
import { importFailure } from './import-failure.ts';
import { resolveTidemark } from './resolve-tidemark.ts';
import { withoutExit } from './without-exit.ts';

/** More files than this say no more. */
const LISTED = 10;

/** A definition and where it was found. */
export interface LoadedDefinition<D extends Definition = Definition> {
  readonly definition: D;
  /** Relative to the repository. */
  readonly file: string;
  readonly exportName: string;
}

/** A feature repository in memory: what its files export, before anything of it is checked. */
export interface LoadedRepo {
  /** Absolute. */
  readonly dir: string;
  readonly project: ProjectInput;
  /** By file, then export name; a definition exported twice stands where it was found first. */
  readonly definitions: readonly LoadedDefinition[];
  /** The functions of the on-demand views, by `view@v1`. */
  readonly onDemand: ReadonlyMap<string, Transform>;
}

/**
 * Imports every file of a feature repository and collects the definitions it exports.
 *
 * The files are modules of this process: they run once, and a process that has loaded a repository does not see
 * later changes of its files. Start a new one for that.
 *
 * @throws DEFINITION_INVALID naming every file that cannot be imported; or when there is no such folder, nothing in
 *   it, or not exactly one project; or when it is that of Tidemark itself.
 */
export async function loadRepo(folder: string): Promise<LoadedRepo> {
  resolveTidemark();
  const files = await definitionFiles(resolve(folder));
  const dir = await realpath(folder);
  if (files.length === 0)
    throw unusable(folder, 'it holds no .ts file; --repo (or TIDEMARK_REPO) names another folder');
  const definitions = await withoutExit(dir, () => importAll(dir, files));
  const [project, ...more] = definitions.flatMap(({ definition, file }) =>
    definition.kind === 'project' ? [{ config: definition.config, file }] : [],
  );
  if (project === undefined) {
    throw unusable(
      folder,
      `none of its files exports a project (${listed(files)}). Name another folder with --repo, or add: export const myProject = project({ name: 'my_project' })`,
    );
  }
  if (more.length > 0) {
    const places = [project, ...more].map(({ config, file }) => `"${config?.name}" in ${file}`);
    throw unusable(folder, `it must export one project, and exports ${places.length}: ${places.join(', ')}`);
  }
  if (definitions.length === 1) {
    throw unusable(folder, `it exports project "${project.config?.name}" and nothing else to define`);
  }
  return { dir, project: project.config, definitions, onDemand: transformsOf(definitions) };
}

async function importAll(dir: string, files: readonly string[]): Promise<readonly LoadedDefinition[]> {
  const found = new Map<Definition, LoadedDefinition>();
  const failures = new Map<string, Problem>();
  for (const file of files) {
    try {
      const exports: unknown = await import(/* @vite-ignore */ pathToFileURL(join(dir, file)).href);
      for (const [exportName, definition] of Object.entries(exports as Record<string, unknown>)) {
        if (isDefinition(definition) && !found.has(definition)) {
          found.set(definition, { definition, file, exportName });
        }
      }
    } catch (error) {
      // A file that fails also fails all that import it: it is reported once.
      const problem = await importFailure(dir, file, error);
      failures.set(`${problem.where} ${problem.message}`, problem);
    }
  }
  if (failures.size > 0) {
    const count = failures.size === 1 ? 'a file' : `${failures.size} files`;
    throw problemsError('DEFINITION_INVALID', `Cannot load feature repository "${dir}": ${count} failed.`, [
      ...failures.values(),
    ]);
  }
  return [...found.values()];
}

function transformsOf(definitions: readonly LoadedDefinition[]): ReadonlyMap<string, Transform> {
  const transforms = new Map<string, Transform>();
  for (const { definition } of definitions) {
    if (definition.kind !== 'on_demand_view') continue;
    const { name, version, transform } = definition.config;
    transforms.set(formatViewVersion({ view: name, version }), transform);
  }
  return transforms;
}

function listed(files: readonly string[]): string {
  const more = files.length - LISTED;
  return [...files.slice(0, LISTED), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function unusable(folder: string, why: string): TidemarkError {
  return new TidemarkError('DEFINITION_INVALID', `Cannot use feature repository "${folder}": ${why}.`);
}
