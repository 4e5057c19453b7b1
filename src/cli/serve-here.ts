import { pino } from 'pino';
import { type RunningServer, serve } from '../server/serve.ts';
import { watchRegistry } from '../serving/registry-watch.ts';
import type { Session } from './context.ts';
import { httpRuns } from './http-runs.ts';
import { httpWrites } from './http-writes.ts';

/** Runs the HTTP server in this process until closed. */
export async function serveHere(
  session: Session,
  port: number = session.platform.config.port,
  isWorker = false,
): Promise<RunningServer> {
  const { platform, repo } = session;
  const { config, clock } = platform;
  const log = pino({ level: config.logLevel, base: { project: repo.project.name } }, pino.destination(2));
  const trainingSets = await platform.registry();
  const registry = await watchRegistry({
    registry: trainingSets,
    project: repo.project.name,
    clock,
  });
  try {
    const writes = await httpWrites(session, registry, (line) => log.warn(line));
    const server = await serve({
      host: config.host,
      port,
      registry,
      online: await platform.online(),
      trainingSets,
      functions: repo.onDemand,
      isWorker,
      clock,
      writes,
      runs: httpRuns(session),
      log,
    });
    return {
      url: server.url,
      stopAccepting: server.stopAccepting,
      async close() {
        await server.close();
        await writes.close();
        await registry.close();
      },
    };
  } catch (error) {
    await registry.close();
    throw error;
  }
}
