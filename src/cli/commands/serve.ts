import cluster from 'node:cluster';
import { type Command, InvalidArgumentError } from 'commander';
import { type CliContext, type CommonOptions, type Session, withSession } from '../context.ts';
import { withExample, withRepo } from '../options.ts';
import { serveHere } from '../serve-here.ts';
import { obeyPrimary, serveWorkers, toldToDrain } from '../serve-workers.ts';
import { untilAborted } from '../until-aborted.ts';

export function registerServe(program: Command, context: CliContext): void {
  withExample(
    withRepo(
      program
        .command('serve')
        .description('answer features over HTTP, take pushed rows and start runs, until stopped')
        .option('--port <port>', 'default: TIDEMARK_PORT, else 6566; 0 for any free one', portNumber)
        .option('--workers <n>', 'processes that share the port; default: this one alone', workerCount),
    ),
    'tidemark serve --repo feature_repo/flights --port 6566',
    'tidemark serve --repo feature_repo/flights --workers 4',
  ).action(async (options: ServeOptions) => {
    const stop = cluster.isWorker ? AbortSignal.any([context.signal, toldToDrain()]) : context.signal;
    try {
      await withSession(context, options, (session) => serveUntil(stop, session, options));
    } finally {
      // The channel to the primary would keep a worker alive.
      if (cluster.isWorker) process.disconnect();
    }
  });
}

async function serveUntil(stop: AbortSignal, session: Session, { workers, port }: ServeOptions) {
  const { isWorker } = cluster;
  const here = workers === undefined || isWorker ? await serveHere(session, port, isWorker) : undefined;
  const server = here ?? (await serveWorkers(workersRequest(session, workers ?? 1, port)));
  if (here !== undefined && isWorker) obeyPrimary(here);
  else session.output.say(`Serving ${session.repo.project.name} on ${server.url}. Stop with Ctrl-C.`);
  await untilAborted(stop);
  await server.close();
}

interface ServeOptions extends CommonOptions {
  readonly port?: number;
  readonly workers?: number;
}

/** The workers are given the servers' addresses: only one process may bring servers up. */
function workersRequest({ platform, repo, output }: Session, count: number, port = platform.config.port) {
  const { databaseUrl, redisUrl, temporalAddress } = platform.addresses;
  return {
    count,
    args: ['serve', '--repo', repo.dir, '--port', String(port)],
    env: { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, TEMPORAL_ADDRESS: temporalAddress },
    host: platform.config.host,
    say: output.say,
  };
}

function workerCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 256)
    throw new InvalidArgumentError('a number of processes from 1 to 256 is needed.');
  return count;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('a port from 0 to 65535 is needed.');
  return port;
}
