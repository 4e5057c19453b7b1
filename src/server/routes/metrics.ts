import type { FastifyInstance } from 'fastify';
import type { AppDependencies } from '../dependencies.ts';
import type { ServerMetrics } from '../metrics.ts';

/** What Prometheus scrapes. */
export function metricsRoute(
  app: FastifyInstance,
  { registry, writes }: AppDependencies,
  metrics: ServerMetrics,
): void {
  app.get('/metrics', async (_request, reply) => {
    metrics.registryRevision(registry.status().revision);
    metrics.unreadableSegments(writes?.log.unreadable().length ?? 0);
    void reply.header('content-type', metrics.contentType);
    return metrics.text();
  });
}
