import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { messageOf, TidemarkError } from '../core/errors.ts';
import type { CliContext } from './context.ts';
import { whenCutOff } from './cut-off.ts';

type Register = (program: Command, context: CliContext) => void;

/** In the order of the help. Each is loaded when it is asked for: Temporal's worker alone takes half a second. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  init: async () => (await import('./commands/init.ts')).registerInit,
  dev: async () => (await import('./commands/dev.ts')).registerDev,
  stack: async () => (await import('./commands/stack.ts')).registerStack,
  plan: async () => (await import('./commands/plan.ts')).registerPlan,
  apply: async () => (await import('./commands/apply.ts')).registerApply,
  worker: async () => (await import('./commands/worker.ts')).registerWorker,
  serve: async () => (await import('./commands/serve.ts')).registerServe,
  materialize: async () => (await import('./commands/materialize.ts')).registerMaterialize,
  backfill: async () => (await import('./commands/backfill.ts')).registerBackfill,
  train: async () => (await import('./commands/train.ts')).registerTrain,
  dataset: async () => (await import('./commands/dataset.ts')).registerDataset,
  get: async () => (await import('./commands/get.ts')).registerGet,
  loadtest: async () => (await import('./commands/loadtest.ts')).registerLoadtest,
  migrate: async () => (await import('./commands/migrate.ts')).registerMigrate,
  status: async () => (await import('./commands/status.ts')).registerStatus,
};

/** As a shell says it of a program that ended of SIGINT, and of SIGPIPE. */
const STOPPED = 130;
const CUT_OFF = 141;

/**
 * Runs the CLI. Exit codes: 0 done, 1 an error (one line says which), 2 wrong usage, 130 stopped on request, 141
 * stopped as nobody reads its output any more. With --json an error is one JSON
 * object on standard error: `{"error":{"code":"UNKNOWN_VIEW","message":"Cannot …"}}`.
 */
export async function main(argv: readonly string[], overrides: Partial<CliContext> = {}): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => {
    // A second signal means now.
    if (stop.signal.aborted) process.exit(STOPPED);
    stop.abort();
  };
  // A terminal that is closed may send it several times, and has nobody who could be in a hurry.
  const onHangUp = () => stop.abort();
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onHangUp);
  const context: CliContext = {
    env: process.env,
    cwd: process.cwd(),
    streams: process,
    signal: stop.signal,
    end: () => stop.abort(),
    ...overrides,
  };
  let cutOff = false;
  whenCutOff(context.streams, () => {
    cutOff = true;
    stop.abort();
  });
  const json = argv.includes('--json');
  try {
    const root = await program(context, argv[0], json);
    await root.parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    const code = exitCodeOf(error, context, json);
    return code === STOPPED && cutOff ? CUT_OFF : code;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onHangUp);
  }
}

/** With the command that is asked for, or with all of them for help and for names that are none. */
async function program(context: CliContext, name: string | undefined, json: boolean): Promise<Command> {
  const root = new Command('tidemark')
    .description('Features as code: computed on schedules, joined as of their time, served in milliseconds.')
    .version(packageJson.version, '--version', 'say which version this is')
    .exitOverride()
    .showHelpAfterError('(tidemark --help lists the commands)')
    .configureOutput({
      writeOut: (text) => context.streams.stdout.write(text),
      // Wrong usage is told as JSON when it is caught.
      writeErr: (text) => json || context.streams.stderr.write(text),
    });
  const asked = name === undefined ? undefined : COMMANDS[name];
  for (const load of asked === undefined ? Object.values(COMMANDS) : [asked]) (await load())(root, context);
  for (const command of root.commands) command.exitOverride();
  return root;
}

function exitCodeOf(error: unknown, { streams, signal }: CliContext, json: boolean): number {
  const tell = (code: string, message: string) =>
    streams.stderr.write(
      json ? `${JSON.stringify({ error: { code, message } })}\n` : `${code}: ${message}\n`,
    );
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // As text, commander has told it already.
    if (json) tell('REQUEST_INVALID', error.message.replace(/^error: /, ''));
    return 2;
  }
  if (error instanceof TidemarkError) {
    // Stopping on request is not a mistake of anyone's.
    if (error.code === 'CANCELLED' && signal.aborted) return STOPPED;
    tell(error.code, error.message);
    return 1;
  }
  tell('INTERNAL', error instanceof Error ? withCause(error) : String(error));
  return 1;
}

/** `TypeError: fetch failed` alone says nothing. */
function withCause({ stack, message, cause }: Error): string {
  return `${stack ?? message}${cause === undefined ? '' : `\nCaused by: ${messageOf(cause)}`}`;
}
