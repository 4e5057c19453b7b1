import type { Command } from 'commander';
import { type CliContext, type CommonOptions, withSession } from '../context.ts';
import { withExample, withRepo } from '../options.ts';
import { untilAborted } from '../until-aborted.ts';
import { runWorkerHere } from '../worker-here.ts';

export function registerWorker(program: Command, context: CliContext): void {
  withExample(
    withRepo(program.command('worker').description("run the project's workflows until stopped")),
    'tidemark worker --repo feature_repo/flights',
  ).action(async (options: CommonOptions) => {
    await withSession(context, options, async (session) => {
      const worker = await runWorkerHere(session);
      session.output.say(`Working for project ${session.repo.project.name}. Stop with Ctrl-C.`);
      try {
        await Promise.race([untilAborted(context.signal), worker.finished]);
      } finally {
        await worker.stop();
      }
    });
  });
}
