import { emptyManifest, type Manifest } from '../core/manifest.ts';
import type { Micros } from '../core/time.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SourceReader } from '../offline/source-reader.ts';
import type { Registry } from '../registry/registry.ts';
import type { LoadedRepo } from '../repo/load-repo.ts';
import { buildPlan } from './build-plan.ts';
import { compileRepo } from './compile.ts';
import { gatherFacts } from './gather-facts.ts';
import { viewFiles } from './inventory.ts';
import type { Plan } from './plan.ts';

export interface PlanDependencies {
  readonly registry: Pick<Registry, 'load' | 'consumers' | 'servingVersions'>;
  readonly ledger: Pick<Ledger, 'coverage'>;
  readonly sourceReader: SourceReader;
  readonly now: Micros;
}

/** From a loaded repository to its plan, against registry, ledger and sources as they are now. Changes nothing. */
export async function planRepo(repo: LoadedRepo, dependencies: PlanDependencies): Promise<Plan> {
  const manifest: Manifest = await compileRepo(repo, dependencies);
  const applied = await dependencies.registry.load(manifest.project);
  const previous = applied?.manifest ?? emptyManifest(manifest.project);
  const facts = await gatherFacts(previous, manifest, viewFiles(repo), dependencies);
  return buildPlan({ applied, manifest, facts });
}
