import type { Command } from 'commander';
import { TidemarkError } from '../../core/errors.ts';
import { formatViewVersion } from '../../core/feature-view.ts';
import { batchViews } from '../../core/manifest.ts';
import { republish } from '../../materialize/republish.ts';
import { createSchedules } from '../../orchestrate/schedules.ts';
import { type ApplyOutcome, applyPlan } from '../../plan/apply-plan.ts';
import { explainPlan } from '../../plan/explain.ts';
import type { Plan } from '../../plan/plan.ts';
import { gitCommit } from '../../repo/git-commit.ts';
import { type CliContext, type CommonOptions, type Session, withSession } from '../context.ts';
import { withExample, withJson, withRepo } from '../options.ts';
import { planOf } from './plan.ts';

interface ApplyOptions extends CommonOptions {
  readonly plan?: string;
}

export function registerApply(program: Command, context: CliContext): void {
  withExample(
    withJson(
      withRepo(
        program
          .command('apply')
          .description('make the definitions the applied ones: registry and schedules, exactly as planned')
          .option('--plan <hash>', 'only if the plan still has this hash (or begins with it)'),
      ),
    ),
    'tidemark apply --repo feature_repo/flights',
    'tidemark apply --plan 3f9a1c20b7de',
  ).action(async (options: ApplyOptions) => {
    await withSession(context, options, async (session) => {
      const outcome = await applyRepo(session, options.plan);
      session.output.facts(
        {
          kind: outcome.kind,
          hash: outcome.plan.hash,
          revision: outcome.kind === 'applied' ? outcome.applied.revision : outcome.plan.baseRevision,
        },
        () => (outcome.kind === 'applied' ? [...explainPlan(outcome.plan), 'Applied.'] : ['Nothing to do.']),
      );
    });
  });
}

/** Plans and applies at once; with a hash, only that plan. */
export async function applyRepo(session: Session, hash?: string): Promise<ApplyOutcome> {
  const { platform, repo } = session;
  const plan = await planOf(session);
  if (hash !== undefined && !plan.hash.startsWith(hash)) {
    throw new TidemarkError(
      'PLAN_DRIFTED',
      [
        `Cannot apply plan ${hash}: definitions or registry have changed since. The plan is now:`,
        ...explainPlan(plan),
      ].join('\n'),
    );
  }
  const schedules = createSchedules((await platform.temporal()).client);
  const outcome = await applyPlan(plan, {
    registry: await platform.registry(),
    schedules,
    rebuild: () => planOf(session),
    by: platform.config.user,
    commit: await gitCommit(repo.dir),
    now: platform.clock(),
  });
  await schedules.upsertMonitor(repo.project.name);
  if (outcome.kind === 'applied') await publishAgain(session, outcome.plan);
  return outcome;
}

/** What a lower TTL, or none online, kept out of the online store is committed all the same: it belongs there now. */
async function publishAgain({ platform, output }: Session, { manifest, changes }: Plan): Promise<void> {
  const changed = new Set(
    changes
      .filter(
        ({ change, fields }) => change === 'changed' && fields.some(({ field }) => AFFECTS_ONLINE.has(field)),
      )
      .map(({ object }) => object),
  );
  for (const view of batchViews(manifest)) {
    const name = formatViewVersion({ view: view.name, version: view.version });
    if (!view.online || !changed.has(name)) continue;
    const { written } = await republish(
      { project: manifest.project, view },
      {
        reader: (await platform.offline()).reader,
        ledger: await platform.ledger(),
        online: await platform.online(),
        clock: platform.clock,
      },
    );
    output.say(`${name}: ${written} committed rows that were not online are now.`);
  }
}

const AFFECTS_ONLINE: ReadonlySet<string> = new Set(['ttl', 'online']);
