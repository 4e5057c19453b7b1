import type { Command } from 'commander';
import { messageOf } from '../../core/errors.ts';
import { formatViewVersion } from '../../core/feature-view.ts';
import { formatTime, timeOf } from '../../core/time.ts';
import { dueRange } from '../../materialize/due-range.ts';
import { republish } from '../../materialize/republish.ts';
import type { TimeRange, ViewTarget } from '../../orchestrate/contracts.ts';
import { materializeId } from '../../orchestrate/ids.ts';
import { follow, startMaterialize } from '../../orchestrate/runs.ts';
import { appliedBatchView, appliedManifest } from '../../registry/applied-manifest.ts';
import { type CliContext, type CommonOptions, type Session, withSession } from '../context.ts';
import { withExample, withJson, withRepo } from '../options.ts';
import { countText } from '../output.ts';
import { createProgressBoard } from '../progress.ts';
import { rangeOption, viewTarget } from '../targets.ts';
import { heldError, showProgress, totalsLines } from '../work-summary.ts';
import { withWorker } from '../worker-here.ts';

interface MaterializeOptions extends CommonOptions {
  readonly start?: string;
  readonly end?: string;
  readonly restate?: boolean;
  readonly approve?: boolean;
  readonly reject?: boolean;
  readonly republish?: boolean;
}

export function registerMaterialize(program: Command, context: CliContext): void {
  withExample(
    withJson(
      withRepo(
        program
          .command('materialize')
          .description('compute and publish what is missing and due (the serving version, unless @vN)')
          .argument('<view>', 'view or view@vN')
          .option('--start <time>', 'only intervals from here')
          .option('--end <time>', 'only intervals up to here')
          .option('--restate', 'compute completed intervals of the range anew')
          .option('--approve', 'let what quality rules hold into service')
          .option('--reject', 'drop what quality rules hold; it is missing again')
          .option('--republish', 'compute nothing; write what is committed to the online store once more'),
      ),
    ),
    'tidemark materialize carrier_delays --repo feature_repo/flights',
    'tidemark materialize carrier_delays@v1 --restate --start 2026-03-01 --end 2026-03-08',
  ).action(async (view: string, options: MaterializeOptions) => {
    await withSession(context, options, async (session) => {
      const registry = await session.platform.registry();
      const manifest = await appliedManifest(registry, session.repo.project.name);
      const target = await viewTarget(registry, manifest, view);
      const range = rangeOption(options.start, options.end);
      if (options.republish) return await publishAgain(session, context, target);
      if (options.approve || options.reject)
        await decide(session, target, range, options.approve ? 'approve' : 'reject');
      if (!options.reject) await run(session, context, target, range, options.restate ?? false);
    });
  });
}

async function publishAgain(
  { platform, output }: Session,
  { signal }: CliContext,
  target: ViewTarget,
): Promise<void> {
  const { reader } = await platform.offline();
  const registry = await platform.registry();
  const view = await appliedBatchView(registry, target);
  const result = await republish(
    { project: target.project, view, signal },
    { reader, ledger: await platform.ledger(), online: await platform.online(), clock: platform.clock },
  );
  output.facts({ ...target, ...result }, () => [
    `${formatViewVersion(target)}: ${countText(result.published)} rows published, ${countText(result.written)} of them were missing or older.`,
  ]);
}

async function run(
  session: Session,
  context: CliContext,
  target: ViewTarget,
  range: TimeRange | undefined,
  restate: boolean,
): Promise<void> {
  const { client } = await session.platform.temporal();
  const name = formatViewVersion(target);
  await withWorker(session, async () => {
    const began = performance.now();
    const started = await startMaterialize(client, { ...target, ...(range && { range }), restate });
    const board = createProgressBoard(session.output);
    const waiting = new AbortController();
    let held: Error | undefined;
    try {
      const totals = await follow(
        started,
        (progress) => {
          showProgress(board, name, progress);
          if (progress.state !== 'waiting for a decision') return;
          held = heldError(name, progress);
          waiting.abort();
        },
        AbortSignal.any([context.signal, waiting.signal]),
      );
      const seconds = (performance.now() - began) / 1000;
      board.stop();
      session.output.facts({ ...target, seconds, ...totals }, () => totalsLines(name, totals, seconds));
    } catch (error) {
      throw held ?? error;
    } finally {
      board.stop();
    }
  });
}

/** Tells the run that waits; where none does, the ledger itself, so that the next run finds the decision. */
async function decide(
  session: Session,
  target: ViewTarget,
  range: TimeRange | undefined,
  decision: 'approve' | 'reject',
): Promise<void> {
  const by = session.platform.config.user;
  const { client } = await session.platform.temporal();
  const ledger = await session.platform.ledger();
  const handle = client.workflow.getHandle(materializeId(target));
  const told = await withWorker(session, () =>
    handle.executeUpdate<readonly TimeRange[], [{ by: string; range?: TimeRange }]>(decision, {
      args: [{ by, ...(range && { range }) }],
    }),
  ).catch((error: unknown) => {
    session.output.say(`No run waits for it (${messageOf(error)}): writing the decision into the ledger.`);
    return undefined;
  });
  if (told !== undefined && told.length > 0) return;
  const view = await appliedBatchView(await session.platform.registry(), target);
  const decidable =
    range === undefined
      ? dueRange(view, session.platform.clock())
      : { start: timeOf(range.start), end: timeOf(range.end) };
  if (decidable === undefined) return;
  const decided = await ledger.decide(target, decidable, { kind: decision, by }, session.platform.clock());
  for (const { start, end } of decided) {
    session.output.say(
      `${decision}d [${formatTime(start)}, ${formatTime(end)})`.replace('rejectd', 'rejected'),
    );
  }
}
