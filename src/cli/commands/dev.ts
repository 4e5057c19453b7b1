import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../../core/errors.ts';
import type { DevHooksInput } from '../../define/dev-hooks.ts';
import { appliedManifest } from '../../registry/applied-manifest.ts';
import { loadDevHooks } from '../../repo/load-dev-hooks.ts';
import { catchUp } from '../catch-up.ts';
import {
  type CliContext,
  type CommonOptions,
  configOf,
  outputOf,
  repoDirOf,
  type Session,
  withSession,
} from '../context.ts';
import { devSummary, summaryLines } from '../dev-summary.ts';
import { withExample, withJson, withRepo } from '../options.ts';
import { createProgressBoard } from '../progress.ts';
import { serveHere } from '../serve-here.ts';
import { trainHere } from '../train-here.ts';
import { untilAborted } from '../until-aborted.ts';
import { runWorkerHere } from '../worker-here.ts';
import { applyRepo } from './apply.ts';

interface DevOptions extends CommonOptions {
  readonly once?: boolean;
  readonly port?: number;
}

/** What `npm start` runs when no repository is named. */
const EXAMPLE = fileURLToPath(new URL('../../../feature_repo/flights', import.meta.url));

export function registerDev(program: Command, context: CliContext): void {
  withExample(
    withJson(
      withRepo(
        program
          .command('dev')
          .description(
            'everything at once: stack, apply, worker, catch-up, training set, server; then keep serving',
          )
          .option('--once', 'end after the summary')
          .option('--port <port>', 'default: TIDEMARK_PORT, else 6567; 0 for any free one', portNumber),
      ),
    ),
    'tidemark dev --repo feature_repo/assistant --once',
  ).action(async (options: DevOptions) => {
    const repo = repoDirOf(context, options);
    const isExample = options.repo === undefined && configOf(context).repo === null;
    await dev(context, { ...options, repo: isExample && existsSync(EXAMPLE) ? EXAMPLE : repo });
  });
}

async function dev(context: CliContext, options: DevOptions & { readonly repo: string }): Promise<void> {
  const output = outputOf(context, options);
  const hooks = await loadDevHooks(options.repo);
  // Before the definitions load: they may ask the data where it begins.
  if (hooks.prepare !== undefined) output.say(await hooks.prepare(new Date()));
  await withSession(context, options, async (session) => {
    const applied = await applyRepo(session);
    output.say(
      applied.kind === 'applied'
        ? `Applied ${applied.plan.changes.length} changes and ${applied.plan.schedules.length} schedules.`
        : 'Definitions are unchanged.',
    );
    const worker = await runWorkerHere(session);
    try {
      await Promise.race([runDev(session, context, options, hooks), worker.finished]);
    } finally {
      await worker.stop();
    }
  });
}

async function runDev(
  session: Session,
  context: CliContext,
  options: DevOptions,
  hooks: DevHooksInput,
): Promise<void> {
  const { output, platform } = session;
  const manifest = await appliedManifest(await platform.registry(), session.repo.project.name);
  const board = createProgressBoard(output);
  const views = await catchUp(session, manifest, board, context.signal).finally(() => board.stop());
  const training =
    hooks.trainingSet === undefined
      ? undefined
      : await trainHere(session, context.signal, {
          spine: {
            kind: 'query',
            query: hooks.trainingSet.query,
            timestampField: hooks.trainingSet.timestampField,
          },
          features: { kind: 'service', service: hooks.trainingSet.service },
          knownAt: 'any',
          fullNames: false,
        });
  const server = await serveHere(session, options.port);
  try {
    if (hooks.onServing !== undefined) output.say(await hooks.onServing(server.url, new Date()));
    const note = await hooks.trainingSet?.note?.();
    const summary = await devSummary(session, {
      manifest,
      views,
      training,
      note,
      reads: hooks.reads ?? [],
      url: server.url,
    });
    output.facts(summary, () => summaryLines(summary));
    if (options.once) return;
    output.say(
      `Serving ${session.repo.project.name} on ${server.url}; schedules are running. Stop with Ctrl-C.`,
    );
    await Promise.all([untilAborted(context.signal), feed(session, context.signal, hooks, server.url)]);
  } finally {
    await server.close();
  }
}

/** Feeds until stopped; one feed that fails is told, and tried again at its next time. */
async function feed(
  { output }: Session,
  signal: AbortSignal,
  { feed: feeder }: DevHooksInput,
  url: string,
): Promise<void> {
  if (feeder === undefined) return;
  while (!signal.aborted) {
    await sleep(feeder.everySeconds * 1000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const line = await feeder.run(new Date(), url);
      if (line !== null) output.say(line);
    } catch (error) {
      output.error(`Feeding failed, and will be tried again: ${messageOf(error)}`);
    }
  }
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InvalidArgumentError('a port from 0 to 65535 is needed.');
  }
  return port;
}
