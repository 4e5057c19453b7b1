import { type Command, InvalidArgumentError } from 'commander';
import { TidemarkError } from '../../core/errors.ts';
import { versionsOf } from '../../core/manifest.ts';
import type { MigrateInput, MigrateProgress } from '../../orchestrate/contracts.ts';
import { migrateId } from '../../orchestrate/ids.ts';
import { findRun, follow, startRun, tellRun } from '../../orchestrate/runs.ts';
import { appliedManifest } from '../../registry/applied-manifest.ts';
import { type CliContext, type CommonOptions, type Session, withSession } from '../context.ts';
import { withExample, withJson, withRepo } from '../options.ts';
import { countText, table } from '../output.ts';
import { createProgressBoard } from '../progress.ts';
import { withWorker } from '../worker-here.ts';

interface MigrateOptions extends CommonOptions {
  readonly from?: number;
  readonly to?: number;
  readonly approve?: boolean;
  readonly abort?: boolean;
  readonly retire?: boolean;
}

export function registerMigrate(program: Command, context: CliContext): void {
  withExample(
    withJson(
      withRepo(
        program
          .command('migrate')
          .description(
            'replace a version of a view by the next: backfill, compare, approve, cut over, retire',
          )
          .argument('<view>', 'the view')
          .option('--from <version>', 'default: the serving version', versionNumber)
          .option('--to <version>', 'default: the newest version', versionNumber)
          .option('--approve', 'move the serving version, after looking at the comparison')
          .option('--abort', 'go back to the old version')
          .option('--retire', 'take the old version out of service for good'),
      ),
    ),
    'tidemark migrate carrier_delays --to 2',
    'tidemark migrate carrier_delays --to 2 --approve',
  ).action(async (view: string, options: MigrateOptions) => {
    await withSession(context, options, async (session) => {
      const input = await migration(session, view, options);
      const told = (['approve', 'abort', 'retire'] as const).find((command) => options[command]);
      if (told === undefined) await begin(session, context, input);
      else await tell(session, context, input, told);
    });
  });
}

async function migration(session: Session, view: string, options: MigrateOptions): Promise<MigrateInput> {
  const registry = await session.platform.registry();
  const project = session.repo.project.name;
  const versions = versionsOf(await appliedManifest(registry, project), view);
  const newest = versions.at(-1);
  const to = options.to ?? newest;
  const serving = (await registry.servingVersions(project)).get(view) ?? versions[0];
  // After the cut-over the old version is no longer the serving one: it is the one before `to`.
  const from =
    options.from ??
    (serving === to ? versions.filter((version) => to !== undefined && version < to).at(-1) : serving);
  if (from === undefined || to === undefined || from === to || !versions.includes(to)) {
    const known = versions.length === 0 ? 'no versions' : versions.map((version) => `v${version}`).join(', ');
    throw new TidemarkError(
      'UNKNOWN_VIEW',
      `Cannot migrate view "${view}"${to === undefined ? '' : ` to version ${to}`}: the registry has ${known}. Define the next version beside the old one and apply it.`,
    );
  }
  return { project, view, from, to };
}

const SETTLED: readonly string[] = ['waiting for approval', 'soaking', 'retired', 'aborted'];

async function begin(session: Session, context: CliContext, input: MigrateInput): Promise<void> {
  const { client } = await session.platform.temporal();
  await withWorker(session, async () => {
    const run = await startRun<MigrateInput, MigrateProgress, MigrateProgress>(
      client,
      'migrate',
      migrateId(input.project, input.view, input.from, input.to),
      input.project,
      input,
    );
    show(session, await settle(session, context, run, (state) => SETTLED.includes(state)));
  });
}

async function tell(
  session: Session,
  context: CliContext,
  input: MigrateInput,
  command: 'approve' | 'abort' | 'retire',
): Promise<void> {
  const { client } = await session.platform.temporal();
  const id = migrateId(input.project, input.view, input.from, input.to);
  await withWorker(session, async () => {
    const run = findRun<MigrateProgress, MigrateProgress>(client, id);
    const before = await run.progress();
    const needed = { approve: 'waiting for approval', abort: undefined, retire: 'soaking' }[command];
    if (before !== undefined && needed !== undefined && before.state !== needed) {
      throw new TidemarkError(
        'REQUEST_INVALID',
        `Cannot ${command} ${id}: it is ${before.state}, not ${needed}.`,
      );
    }
    await tellRun(client, id, command, session.platform.config.user);
    const decided = before?.decisions.length ?? 0;
    const after = await settle(
      session,
      context,
      run,
      (state, progress) => progress.decisions.length > decided && SETTLED.includes(state),
    );
    if (command === 'retire' && after.refused !== null) throw new TidemarkError('FORBIDDEN', after.refused);
    show(session, after);
  });
}

type MigrateRun = ReturnType<typeof findRun<MigrateProgress, MigrateProgress>>;

/** Follows a migration until it has ended or waits for a person. */
async function settle(
  session: Session,
  context: CliContext,
  run: MigrateRun,
  settled: (state: string, progress: MigrateProgress) => boolean,
): Promise<MigrateProgress> {
  const board = createProgressBoard(session.output);
  const reached = new AbortController();
  let last: MigrateProgress | undefined;
  try {
    return await follow(
      run,
      (progress) => {
        last = progress;
        board.update(
          `${progress.view} v${progress.from} to v${progress.to}`,
          progress.decisions.length,
          3,
          progress.state,
        );
        if (settled(progress.state, progress)) reached.abort();
      },
      AbortSignal.any([context.signal, reached.signal]),
    );
  } catch (error) {
    if (reached.signal.aborted && last !== undefined) return last;
    throw error;
  } finally {
    board.stop();
  }
}

function show({ output }: Session, progress: MigrateProgress): void {
  output.facts(progress, () => {
    const { comparison, view, from, to, state, serving } = progress;
    const lines = [`${view} v${from} to v${to}: ${state}; serving v${serving}.`];
    if (comparison !== null) {
      lines.push(
        ...table([
          ['', `v${from}`, `v${to}`],
          ['rows', countText(comparison.rows.from), countText(comparison.rows.to)],
          ['entities', countText(comparison.entities.from), countText(comparison.entities.to)],
          ...comparison.features.map(({ feature, nullShare }) => [
            `null share of ${feature}`,
            percent(nullShare.from),
            percent(nullShare.to),
          ]),
        ]),
        ...comparison.added.map((feature) => `new: ${feature}`),
        ...comparison.removed.map((feature) => `gone: ${feature}`),
        ...comparison.concerns.map((concern) => `look at: ${concern}`),
      );
    }
    if (state === 'waiting for approval')
      lines.push(`Decide with: tidemark migrate ${view} --to ${to} --approve, or --abort.`);
    if (state === 'retired') lines.push(`Now remove version ${from} from the definitions, and apply.`);
    if (state === 'soaking')
      lines.push(
        `v${from} is kept. Finish with: tidemark migrate ${view} --to ${to} --retire, or go back with --abort.`,
      );
    return lines;
  });
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function versionNumber(text: string): number {
  const number = Number(text.replace(/^v/, ''));
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError('a version such as 2 is needed.');
  return number;
}
