import { resolve } from 'node:path';
import { compose, type Platform } from '../compose.ts';
import { type Config, readConfig } from '../config.ts';
import type { TidemarkError } from '../core/errors.ts';
import { type LoadedRepo, loadRepo } from '../repo/load-repo.ts';
import { startStack } from '../stack/stack.ts';
import { createOutput, type Output, type Streams } from './output.ts';

/** What a command is given; made once per call of the CLI. */
export interface CliContext {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly streams: Streams;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
  /** Aborts the signal, for a reason of our own. */
  end(): void;
}

export interface CommonOptions {
  readonly repo?: string;
  readonly json?: boolean;
}

export function outputOf(context: CliContext, options: CommonOptions): Output {
  return createOutput(context.streams, options.json ?? false);
}

export function configOf(context: CliContext): Config {
  return readConfig(context.env, context.cwd);
}

/** The feature repository of --repo, TIDEMARK_REPO, or the folder one stands in. */
export function repoDirOf(context: CliContext, options: CommonOptions): string {
  return options.repo === undefined
    ? (configOf(context).repo ?? context.cwd)
    : resolve(context.cwd, options.repo);
}

export interface Session {
  readonly platform: Platform;
  readonly repo: LoadedRepo;
  readonly output: Output;
}

/**
 * Runs a command against the repository's project: the stack is brought up where no addresses are given (and
 * stopped again by whoever started it), connections are closed whatever happens. A server that cannot be kept running
 * ends the command.
 */
export async function withSession<T>(
  context: CliContext,
  options: CommonOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const output = outputOf(context, options);
  const config = configOf(context);
  const repo = await loadRepo(repoDirOf(context, options));
  const lost: TidemarkError[] = [];
  const stack = await startStack(config, {
    onProgress: (text) => output.say(text),
    onLost(error) {
      lost.push(error);
      context.end();
    },
  });
  try {
    const platform = compose({ config, addresses: stack.addresses, baseDir: repo.dir });
    try {
      const result = await work({ platform, repo, output });
      if (lost[0] !== undefined) throw lost[0];
      return result;
    } catch (error) {
      // What fails after that fails of it.
      throw lost[0] ?? error;
    } finally {
      await platform.close();
    }
  } finally {
    await stack.stop();
  }
}
