import cluster from 'node:cluster';
import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../core/time.ts';
import { type CliContext, type CommonOptions, type Session, withSession } from '../context.ts';
import { withExample, withRepo } from '../options.ts';
import { answerHere, serveHere } from '../serve-here.ts';
import { obeyPrimary, serveWorkers, tellOutdated, toldToEnd, type WorkersRequest } from '../serve-workers.ts';
import { untilAborted } from '../until-aborted.ts';

export function registerServe(program: Command, context: CliContext): void {
  withExample(
    withRepo(
      program
        .command('serve')
        .description('answer features over HTTP, take pushed rows and start runs, until stopped')
        .option('--port <port>', 'default: TIDEMARK_PORT, else 6567; 0 for any free one', portNumber)
        .option('--workers <n>', 'processes that share the port; default: this one alone', workerCount)
        .option(
          '--grace <duration>',
          'after SIGTERM, let connections in for so long while /health is 503; default: 0s',
          graceMillis,
        ),
    ),
    'tidemark serve --repo feature_repo/flights --port 6567',
    'tidemark serve --repo feature_repo/flights --workers 4',
  ).action(async (options: ServeOptions) => {
    const stop = cluster.isWorker ? toldToEnd() : context.signal;
    try {
      await withSession(context, options, (session) => serveUntil(stop, session, options));
    } finally {
      // The channel to the primary would keep a worker alive. Of one that was killed it is gone already.
      if (cluster.isWorker && process.connected) process.disconnect();
    }
  });
}

async function serveUntil(stop: AbortSignal, session: Session, options: ServeOptions): Promise<void> {
  if (cluster.isWorker) {
    const answering = await answerHere(session, tellOutdated);
    obeyPrimary(answering);
    await untilAborted(stop);
    return answering.close();
  }
  const { workers, port = session.platform.config.port, grace = 0 } = options;
  const server = await (workers === undefined
    ? serveHere(session, port, grace)
    : serveWorkers(workersRequest(session, workers, port, grace)));
  session.output.say(`Serving ${session.repo.project.name} on ${server.url}. Stop with Ctrl-C.`);
  await untilAborted(stop);
  await server.close();
}

interface ServeOptions extends CommonOptions {
  readonly port?: number;
  readonly workers?: number;
  readonly grace?: number;
}

/** The workers are given the servers' addresses: only one process may bring servers up. */
function workersRequest(
  { platform, repo, output }: Session,
  count: number,
  port: number,
  graceMillis: number,
): WorkersRequest {
  const { databaseUrl, redisUrl, temporalAddress } = platform.addresses;
  return {
    count,
    args: ['serve', '--repo', repo.dir],
    env: { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, TEMPORAL_ADDRESS: temporalAddress },
    host: platform.config.host,
    port,
    graceMillis,
    say: output.say,
  };
}

/** Longer than an hour is a mistake in the unit. */
const LONGEST_GRACE_MILLIS = 3_600_000;

function graceMillis(text: string): number {
  const duration = parseDuration(text);
  const millis = duration === undefined ? Number.NaN : Number(duration) / 1000;
  if (!(millis >= 0 && millis <= LONGEST_GRACE_MILLIS))
    throw new InvalidArgumentError('a duration from 0s to 1h is needed, such as 10s.');
  return millis;
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
