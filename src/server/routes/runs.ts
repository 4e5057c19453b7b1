import type { FastifyInstance } from 'fastify';
import { type AppDependencies, runControlOf } from '../dependencies.ts';
import type { RunStatus } from '../run-control.ts';

/** How a run goes, by the id that it was started with (slashes and all). */
export function runs(app: FastifyInstance, deps: AppDependencies): void {
  app.get<{ Params: { readonly '*': string } }>('/runs/*', async (request): Promise<RunStatus> => {
    return await runControlOf(deps).status(request.params['*']);
  });
}
