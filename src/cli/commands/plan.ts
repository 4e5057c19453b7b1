import type { Command } from 'commander';
import { explainPlan } from '../../plan/explain.ts';
import type { Plan } from '../../plan/plan.ts';
import { planRepo } from '../../plan/plan-repo.ts';
import { type CliContext, type CommonOptions, type Session, withSession } from '../context.ts';
import { withExample, withJson, withRepo } from '../options.ts';

export function registerPlan(program: Command, context: CliContext): void {
  withExample(
    withJson(
      withRepo(
        program
          .command('plan')
          .description(
            'show what apply would change, what is missing and what computing it would cost; changes nothing',
          ),
      ),
    ),
    'tidemark plan --repo feature_repo/flights',
  ).action(async (options: CommonOptions) => {
    await withSession(context, options, async (session) => {
      const plan = await planOf(session);
      session.output.facts(plan, () => explainPlan(plan));
    });
  });
}

/** The plan of the session's repository, as the world is now. */
export async function planOf({ platform, repo }: Session): Promise<Plan> {
  const { sources } = await platform.offline();
  return await planRepo(repo, {
    registry: await platform.registry(),
    ledger: await platform.ledger(),
    sourceReader: sources,
    now: platform.clock(),
  });
}
