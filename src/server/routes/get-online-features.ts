import type { FastifyInstance } from 'fastify';
import type { ExactJson } from '../../core/exact-json.ts';
import { type FeatureRequest, MAX_VALUES, readFeatures } from '../../serving/read-features.ts';
import { createReadPlanner } from '../../serving/read-plan.ts';
import type { RequestColumns } from '../../serving/request-columns.ts';
import type { AppDependencies } from '../dependencies.ts';
import { feastJson } from '../feast-json.ts';
import type { ServerMetrics } from '../metrics.ts';
import { type GetOnlineFeaturesBody, parseGetOnlineFeatures } from '../schemas.ts';
import { sendParts } from '../send-parts.ts';
import type { Weigh } from '../shed-load.ts';
import { tellFailures } from '../tell-failures.ts';

/** Features of entities as they are now, in Feast's JSON. */
export function getOnlineFeatures(
  app: FastifyInstance,
  deps: AppDependencies,
  { metrics, weigh }: { readonly metrics: ServerMetrics; readonly weigh: Weigh },
): void {
  const { registry, online, functions, clock, maxRows = 10_000, maxValues = MAX_VALUES, log } = deps;
  const maxBytes = deps.maxAnswerBytes === undefined ? {} : { maxBytes: deps.maxAnswerBytes };
  const planRead = createReadPlanner();
  const tell = tellFailures(log);
  app.post<{ Body: ExactJson | undefined }>('/get-online-features', async (request, reply) => {
    const body = parseGetOnlineFeatures(request.body);
    const snapshot = registry.current();
    const features = await readFeatures(requestOf(body), {
      snapshot,
      planRead,
      online,
      functions,
      clock,
      maxRows,
      maxValues,
      admit: (values) => weigh(reply, values),
    });
    metrics.served(features);
    tell(features.onDemandFailures);
    void reply.header('content-type', 'application/json; charset=utf-8');
    const parts = feastJson(features, {
      typed: body.typed,
      viewVersions: body.include_feature_view_version_metadata,
      ...maxBytes,
    });
    const first = parts.next();
    return first.done ? first.value : sendParts(reply, first.value, parts);
  });
}

function requestOf(body: GetOnlineFeaturesBody): FeatureRequest {
  const { feature_service: service, features: references = [], entities, request_data: data } = body;
  return {
    selection:
      typeof service === 'string' ? { kind: 'service', service } : { kind: 'references', references },
    // Elements are what parseExactJson gave; zod checked the lists around them.
    columns: (data === undefined ? entities : { ...entities, ...data }) as RequestColumns,
    fullNames: body.full_feature_names,
    aliases: body.entity_aliases,
    includeExpired: body.include_expired,
  };
}
