import type { Command } from 'commander';
import { problemsError, TidemarkError } from '../../core/errors.ts';
import { checkLeakage } from '../../training/check-leakage.ts';
import { diffTrainingSets } from '../../training/diff-training-sets.ts';
import { listServiceSets } from '../../training/list-service-sets.ts';
import { nullSharesOf } from '../../training/manifest.ts';
import { restatedInputs } from '../../training/restated-inputs.ts';
import {
  findTrainingSet,
  type ListedSets,
  listTrainingSets,
  trainingSetFolder,
} from '../../training/training-set-folder.ts';
import { verifyTrainingSet } from '../../training/verify-training-set.ts';
import { type CliContext, type CommonOptions, withSession } from '../context.ts';
import { diffLines, listLines, showLines, verifyLines } from '../dataset-lines.ts';
import { leakageLines } from '../leakage-lines.ts';
import { withOfflineSession } from '../offline-session.ts';
import { withExample, withJson, withRepo } from '../options.ts';
import type { Output } from '../output.ts';

export function registerDataset(program: Command, context: CliContext): void {
  const dataset = program
    .command('dataset')
    .description('The training sets that were built: list them, look at one, make it again, compare two');
  const subcommand = (name: string, description: string) =>
    withJson(withRepo(dataset.command(name).description(description)));
  const id = 'the id, or a beginning that only one set has';

  withExample(
    subcommand('list', 'all training sets of the project, newest first').option(
      '--service <name>',
      'only those that were built for a feature service',
    ),
    'tidemark dataset list --repo feature_repo/assistant',
    'tidemark dataset list --service churn_model',
  ).action(({ service, ...options }: CommonOptions & { readonly service?: string }) =>
    service === undefined
      ? withOfflineSession(context, options, async ({ repo, output, offlineRoot }) => {
          tellSets(output, await listTrainingSets(offlineRoot, repo.project.name));
        })
      : withSession(context, options, async ({ platform, repo, output }) => {
          const found = await listServiceSets(
            { project: repo.project.name, service },
            { registry: await platform.registry(), offlineRoot: platform.config.offline },
          );
          tellSets(output, found, service);
        }),
  );

  withExample(
    subcommand('show', 'what a set was made of, and whether that has been restated since').argument(
      '<id>',
      id,
    ),
    'tidemark dataset show 3f9a2c',
  ).action((prefix: string, options: CommonOptions) =>
    withSession(context, options, async ({ platform, repo, output }) => {
      const { offline: offlineRoot } = platform.config;
      const manifest = await findTrainingSet(offlineRoot, repo.project.name, prefix);
      const restated = await restatedInputs(manifest, { ledger: await platform.ledger(), offlineRoot });
      const folder = trainingSetFolder(offlineRoot, manifest.contents.project, manifest.id);
      output.facts({ ...manifest, folder, nullShares: nullSharesOf(manifest), restated }, () =>
        showLines(manifest, folder, restated),
      );
    }),
  );

  withExample(
    subcommand('verify', 'make a set again from what it was made of, and compare the bytes').argument(
      '<id>',
      id,
    ),
    'tidemark dataset verify 3f9a2c',
  ).action((prefix: string, options: CommonOptions) =>
    withOfflineSession(context, options, async ({ repo, output, offline, offlineRoot }) => {
      const manifest = await findTrainingSet(offlineRoot, repo.project.name, prefix);
      const verification = await verifyTrainingSet(
        manifest,
        { ...offline, onDemand: repo.onDemand, offlineRoot },
        { signal: context.signal },
      );
      output.facts(verification, () => verifyLines(verification));
      if (verification.verdict !== 'same') {
        throw new TidemarkError(
          'STORE_CORRUPT',
          `Training set ${manifest.id.slice(0, 16)} ${verification.verdict === 'different' ? 'is not what its manifest says' : 'cannot be made again'}: ${verification.problems[0] ?? ''}.`,
        );
      }
    }),
  );

  withExample(
    subcommand(
      'leakage',
      'rank the columns of a set with a label by how well each alone predicts it; those that are too good are marked, and the exit code is 0 all the same',
    ).argument('<id>', id),
    'tidemark dataset leakage 3f9a2c',
  ).action((prefix: string, options: CommonOptions) =>
    withOfflineSession(context, options, async ({ repo, output, offline, offlineRoot }) => {
      const manifest = await findTrainingSet(offlineRoot, repo.project.name, prefix);
      const report = await checkLeakage(manifest, { ...offline, offlineRoot }, context.signal);
      output.facts(report, () => leakageLines(report));
    }),
  );

  withExample(
    subcommand('diff', 'two sets side by side: what they were made of, columns, distributions')
      .argument('<a>', id)
      .argument('<b>', id),
    'tidemark dataset diff 3f9a2c 81d0',
  ).action((a: string, b: string, options: CommonOptions) =>
    withOfflineSession(context, options, async ({ repo, output, offline, offlineRoot }) => {
      const before = await findTrainingSet(offlineRoot, repo.project.name, a);
      const after = await findTrainingSet(offlineRoot, repo.project.name, b);
      const diff = await diffTrainingSets(before, after, { ...offline, offlineRoot });
      output.facts(diff, () => diffLines(diff));
    }),
  );
}

/** What can be told is told, before what could not be read is the error. */
function tellSets(output: Output, { sets, unreadable }: ListedSets, service?: string): void {
  output.facts(sets, () => listLines(sets, service));
  const [first, ...others] = unreadable;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  const problems = unreadable.map(({ message }, at) => ({ where: `${at + 1}`, message }));
  throw problemsError(
    first.code,
    `Cannot read the manifests of ${unreadable.length} training sets:`,
    problems,
  );
}
