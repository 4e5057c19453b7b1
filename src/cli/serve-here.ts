import { pino } from 'pino';
import { type RunningServer, serve } from '../server/serve.ts';
import { watchRegistry } from '../serving/registry-watch.ts';
import type { Session } from './context.ts';

/** Runs the HTTP server in this process until closed. */
export async function serveHere(
  { platform, repo }: Session,
  port: number = platform.config.port,
): Promise<RunningServer> {
  const { config, clock } = platform;
  const registry = await watchRegistry({
    registry: await platform.registry(),
    project: repo.project.name,
    clock,
  });
  try {
    const server = await serve({
      host: config.host,
      port,
      registry,
      online: await platform.online(),
      functions: repo.onDemand,
      clock,
      log: pino({ level: config.logLevel, base: { project: repo.project.name } }, pino.destination(2)),
    });
    return {
      url: server.url,
      async close() {
        await server.close();
        await registry.close();
      },
    };
  } catch (error) {
    await registry.close();
    throw error;
  }
}
