import { compose, type Offline } from '../compose.ts';
import { type LoadedRepo, loadRepo } from '../repo/load-repo.ts';
import { type CliContext, type CommonOptions, configOf, outputOf, repoDirOf } from './context.ts';
import type { Output } from './output.ts';

export interface OfflineSession {
  readonly repo: LoadedRepo;
  readonly offline: Offline;
  readonly output: Output;
  /** Absolute. */
  readonly offlineRoot: string;
}

/** Runs a command that only needs the offline store: no server is asked for, and none is started. */
export async function withOfflineSession<T>(
  context: CliContext,
  options: CommonOptions,
  work: (session: OfflineSession) => Promise<T>,
): Promise<T> {
  const config = configOf(context);
  const repo = await loadRepo(repoDirOf(context, options));
  const addresses = { databaseUrl: '', redisUrl: '', temporalAddress: '' };
  const platform = compose({ config, addresses, baseDir: repo.dir });
  try {
    const output = outputOf(context, options);
    return await work({ repo, output, offlineRoot: config.offline, offline: await platform.offline() });
  } finally {
    await platform.close();
  }
}
