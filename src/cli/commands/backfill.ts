import { type Command, InvalidArgumentError, Option } from 'commander';
import { TidemarkError } from '../../core/errors.ts';
import { formatViewVersion } from '../../core/feature-view.ts';
import { follow, startBackfill } from '../../orchestrate/runs.ts';
import { appliedManifest } from '../../registry/applied-manifest.ts';
import { commandHere } from '../command-here.ts';
import { type CliContext, type CommonOptions, type Session, withSession } from '../context.ts';
import { withExample, withJson, withRepo } from '../options.ts';
import { createProgressBoard } from '../progress.ts';
import { rangeOption, viewTarget } from '../targets.ts';
import { showProgress, totalsLines } from '../work-summary.ts';
import { withWorker } from '../worker-here.ts';

interface BackfillOptions extends CommonOptions {
  readonly start?: string;
  readonly end?: string;
  readonly restate?: boolean;
  readonly order: 'oldest' | 'newest';
  readonly concurrency: number;
  readonly detach?: boolean;
  readonly pause?: string;
  readonly resume?: string;
  readonly cancel?: string;
}

export function registerBackfill(program: Command, context: CliContext): void {
  withExample(
    withJson(
      withRepo(
        program
          .command('backfill')
          .description('materialize past intervals, several chunks at once if asked; survives crashes')
          .argument('[view]', 'view or view@vN')
          .option('--start <time>', 'from here (default: everything due)')
          .option('--end <time>', 'up to here')
          .option('--restate', 'compute completed intervals of the range anew')
          .addOption(
            new Option('--order <order>', 'which end to begin with')
              .choices(['oldest', 'newest'])
              .default('oldest'),
          )
          .option('--concurrency <n>', 'chunks at once, 1 to 16', wholeNumber, 1)
          .option('--detach', 'start it and do not wait')
          .option('--pause <id>', 'pause a running backfill')
          .option('--resume <id>', 'go on with a paused one')
          .option('--cancel <id>', 'stop a running one; what is committed stays'),
      ),
    ),
    'tidemark backfill route_history --start 2026-03-01 --end 2026-06-01 --concurrency 2',
    'tidemark backfill --pause backfill/1f0c9a2b7d3e4f50',
  ).action(async (view: string | undefined, options: BackfillOptions) => {
    await withSession(context, options, async (session) => {
      for (const command of ['pause', 'resume', 'cancel'] as const) {
        const id = options[command];
        if (id !== undefined) return await commandHere(session, id, command);
      }
      if (view === undefined) {
        throw new TidemarkError(
          'REQUEST_INVALID',
          'Name the view to backfill, such as carrier_delays or carrier_delays@v2.',
        );
      }
      await start(session, context, view, options);
    });
  });
}

async function start(
  session: Session,
  context: CliContext,
  text: string,
  options: BackfillOptions,
): Promise<void> {
  const registry = await session.platform.registry();
  const manifest = await appliedManifest(registry, session.repo.project.name);
  const target = await viewTarget(registry, manifest, text);
  const range = rangeOption(options.start, options.end);
  if (options.restate && range === undefined) {
    throw new TidemarkError('REQUEST_INVALID', 'Say what to restate with --start and --end.');
  }
  const { client } = await session.platform.temporal();
  const begin = () =>
    startBackfill(client, {
      ...target,
      ...(range && { range }),
      restate: options.restate ?? false,
      order: options.order,
      concurrency: options.concurrency,
    });
  if (options.detach) {
    const { id } = await begin();
    return session.output.facts({ id }, () => [`Started ${id}.`]);
  }
  const name = formatViewVersion(target);
  await withWorker(session, async () => {
    const began = performance.now();
    const run = await begin();
    session.output.say(`${run.id} is running.`);
    const board = createProgressBoard(session.output);
    try {
      const totals = await follow(run, (progress) => showProgress(board, name, progress), context.signal);
      const seconds = (performance.now() - began) / 1000;
      board.stop();
      session.output.facts({ id: run.id, ...target, seconds, ...totals }, () =>
        totalsLines(name, totals, seconds),
      );
    } finally {
      board.stop();
    }
  });
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 16)
    throw new InvalidArgumentError('a whole number from 1 to 16 is needed.');
  return number;
}
