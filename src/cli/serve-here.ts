import { pino } from 'pino';
import { type Answering, answerConnections } from '../server/answer-connections.ts';
import type { AppDependencies } from '../server/dependencies.ts';
import { type RunningServer, serve } from '../server/serve.ts';
import { otherFunctions } from '../serving/other-functions.ts';
import { watchRegistry } from '../serving/registry-watch.ts';
import type { Session } from './context.ts';
import { httpRuns } from './http-runs.ts';
import { type HttpWrites, httpWrites } from './http-writes.ts';

/** Runs the HTTP server in this process until closed. */
export function serveHere(
  session: Session,
  port: number = session.platform.config.port,
  graceMillis = 0,
): Promise<RunningServer> {
  const { host } = session.platform.config;
  return withDependencies(session, (deps) => serve({ host, port, graceMillis, ...deps }));
}

/**
 * In a worker of several: answers on the connections that it is given, until closed. `onOutdated` is told the registry's
 * revision when functions were applied that are not those loaded here.
 */
export function answerHere(session: Session, onOutdated: (revision: number) => void): Promise<Answering> {
  return withDependencies(session, (deps) => answerConnections({ ...deps, isWorker: true }), onOutdated);
}

/** What the server uses is closed after it, also when it does not come up. */
async function withDependencies<S extends { close(): Promise<void> }>(
  session: Session,
  start: (deps: AppDependencies) => Promise<S>,
  onOutdated?: (revision: number) => void,
): Promise<S> {
  const { platform, repo } = session;
  const { config, clock } = platform;
  const log = pino({ level: config.logLevel, base: { project: repo.project.name } }, pino.destination(2));
  const trainingSets = await platform.registry();
  const registry = await watchRegistry({
    registry: trainingSets,
    project: repo.project.name,
    clock,
    onRead({ manifest, revision }) {
      const views = otherFunctions(manifest, repo.onDemand);
      if (views.length === 0) return;
      const advice = onOutdated === undefined ? ': start the server again to load them' : '';
      log.warn({ views, revision }, `the functions of these on-demand views are not those applied${advice}`);
      onOutdated?.(revision);
    },
  });
  let writes: HttpWrites | undefined;
  const closeUsed = async () => {
    await writes?.close();
    await registry.close();
  };
  try {
    writes = await httpWrites(session, registry, (line) => log.warn(line));
    const server = await start({
      registry,
      online: await platform.online(),
      trainingSets,
      functions: repo.onDemand,
      clock,
      writes,
      runs: httpRuns(session),
      maxValues: config.readMaxValues,
      log,
    });
    return {
      ...server,
      async close() {
        await server.close();
        await closeUsed();
      },
    };
  } catch (error) {
    await closeUsed();
    throw error;
  }
}
