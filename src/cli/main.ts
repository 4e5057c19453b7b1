import { Command, CommanderError } from 'commander';
import { TidemarkError } from '../core/errors.ts';
import { registerApply } from './commands/apply.ts';
import { registerBackfill } from './commands/backfill.ts';
import { registerDev } from './commands/dev.ts';
import { registerGet } from './commands/get.ts';
import { registerInit } from './commands/init.ts';
import { registerMaterialize } from './commands/materialize.ts';
import { registerMigrate } from './commands/migrate.ts';
import { registerPlan } from './commands/plan.ts';
import { registerServe } from './commands/serve.ts';
import { registerStack } from './commands/stack.ts';
import { registerStatus } from './commands/status.ts';
import { registerTrain } from './commands/train.ts';
import { registerWorker } from './commands/worker.ts';
import type { CliContext } from './context.ts';

const REGISTER = [
  registerInit,
  registerDev,
  registerStack,
  registerPlan,
  registerApply,
  registerWorker,
  registerServe,
  registerMaterialize,
  registerBackfill,
  registerTrain,
  registerGet,
  registerMigrate,
  registerStatus,
] as const;

/** Runs the CLI. Exit codes: 0 done, 1 an error (one line says which), 2 wrong usage. */
export async function main(argv: readonly string[], overrides: Partial<CliContext> = {}): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => {
    // A second signal means now.
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const context: CliContext = {
    env: process.env,
    cwd: process.cwd(),
    streams: process,
    signal: stop.signal,
    ...overrides,
  };
  try {
    await program(context).parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    return exitCodeOf(error, context);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function program(context: CliContext): Command {
  const root = new Command('tidemark')
    .description('Features as code: computed on schedules, joined as of their time, served in milliseconds.')
    .exitOverride()
    .showHelpAfterError('(tidemark --help lists the commands)')
    .configureOutput({
      writeOut: (text) => context.streams.stdout.write(text),
      writeErr: (text) => context.streams.stderr.write(text),
    });
  for (const register of REGISTER) register(root, context);
  for (const command of root.commands) command.exitOverride();
  return root;
}

function exitCodeOf(error: unknown, { streams, signal }: CliContext): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof TidemarkError) {
    // Stopping on request is not a mistake of anyone's.
    if (error.code === 'CANCELLED' && signal.aborted) return 130;
    streams.stderr.write(`${error.code}: ${error.message}\n`);
    return 1;
  }
  streams.stderr.write(
    `INTERNAL: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 1;
}
