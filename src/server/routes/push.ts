import type { FastifyInstance } from 'fastify';
import type { ExactJson } from '../../core/exact-json.ts';
import { type PushResult, pushRows } from '../../push/push-rows.ts';
import { type AppDependencies, bodyLimitOf, writeDepsOf } from '../dependencies.ts';
import type { ServerMetrics } from '../metrics.ts';
import { parsePush } from '../write-schemas.ts';

/** Rows of a push source: durable and online when this answers, as far as it was asked to. */
export function push(app: FastifyInstance, deps: AppDependencies, metrics: ServerMetrics): void {
  app.post<{ Body: ExactJson | undefined }>(
    '/push',
    { bodyLimit: bodyLimitOf(deps) },
    async (request): Promise<PushResult> => {
      const { push_source_name: source, to, df: frame } = parsePush(request.body);
      const result = await pushRows({ source, frame, to }, writeDepsOf(deps));
      metrics.pushed(result);
      return result;
    },
  );
}
