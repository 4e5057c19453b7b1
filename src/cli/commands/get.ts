import type { Command } from 'commander';
import { type CliContext, type CommonOptions, withSession } from '../context.ts';
import { withExample, withJson, withRepo } from '../options.ts';
import { answerLines, readOnline } from '../read-online.ts';

interface GetOptions extends CommonOptions {
  readonly service?: string;
  readonly entity: readonly string[];
  readonly fullNames?: boolean;
}

export function registerGet(program: Command, context: CliContext): void {
  withExample(
    withJson(
      withRepo(
        program
          .command('get')
          .description('read features from the online store, as the server would')
          .argument('[features...]', 'view:feature, view@v2:feature or view:*')
          .option('--service <name>', 'a feature service instead of features')
          .option(
            '--entity <row>',
            'key=value[,key=value…]; once per row, none where no view has keys',
            (row: string, rows: string[]) => [...rows, row],
            [] as string[],
          )
          .option('--full-names', 'name columns view__feature'),
      ),
    ),
    'tidemark get carrier_delays:avg_dep_delay_1d --entity carrier=UA --entity carrier=AA',
    'tidemark get --service churn_model --entity user_id=17 --repo feature_repo/assistant',
  ).action(async (features: readonly string[], options: GetOptions) => {
    await withSession(context, options, async (session) => {
      const { answer, json } = await readOnline(session, { ...options, features });
      session.output.facts(json, () => answerLines(answer));
    });
  });
}
