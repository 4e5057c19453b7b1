import type { FastifyInstance } from 'fastify';
import type { ExactJson } from '../../core/exact-json.ts';
import type { WrittenOnline } from '../../push/push-rows.ts';
import { writeViewRows } from '../../push/write-view-rows.ts';
import { type AppDependencies, bodyLimitOf, writeDepsOf } from '../dependencies.ts';
import type { ServerMetrics } from '../metrics.ts';
import { parseWriteToOnlineStore } from '../write-schemas.ts';

/** Rows of a view, past its source: what Feast's remote online store posts. */
export function writeToOnlineStore(
  app: FastifyInstance,
  deps: AppDependencies,
  metrics: ServerMetrics,
): void {
  app.post<{ Body: ExactJson | undefined }>(
    '/write-to-online-store',
    { bodyLimit: bodyLimitOf(deps) },
    async (request): Promise<WrittenOnline> => {
      const { feature_view_name: view, df: frame } = parseWriteToOnlineStore(request.body);
      const result = await writeViewRows({ view, frame }, writeDepsOf(deps));
      metrics.written(result);
      return result;
    },
  );
}
