import { z } from 'zod';
import type { ExactJson } from '../core/exact-json.ts';
import { columns, parseBody } from './parse-body.ts';

const alias = z.strictObject({
  view: z.string(),
  /** Put before every output name of the view: `origin_`. */
  prefix: z.string().min(1),
  /** By join key, the column of `entities` it is read from. */
  keys: z.record(z.string(), z.string()),
});

/** The body of POST /get-online-features: Feast's, and what Tidemark adds (all of it optional). */
const GetOnlineFeatures = z
  .strictObject({
    features: z.array(z.string()).optional(),
    feature_service: z.string().min(1).nullish(),
    /** May be left out where no view has keys. */
    entities: columns.default({}),
    /** Request fields may stand here or among the entities. */
    request_data: columns.optional(),
    full_feature_names: z.boolean().default(false),
    include_feature_view_version_metadata: z.boolean().default(false),
    include_expired: z.boolean().default(false),
    entity_aliases: z.array(alias).default([]),
    /** Adds each result's type to the metadata, and gives timestamps as ISO with microseconds. */
    typed: z.boolean().default(false),
  })
  .superRefine((body, context) => {
    const features = (body.features ?? []).length > 0;
    const service = typeof body.feature_service === 'string';
    if (features === service) {
      context.addIssue({
        code: 'custom',
        path: [features ? 'feature_service' : 'features'],
        message: features
          ? 'give "features" or "feature_service", not both'
          : 'give "features" (such as ["view:feature"]) or "feature_service"',
      });
    }
    for (const name of Object.keys(body.request_data ?? {})) {
      if (Object.hasOwn(body.entities, name)) {
        context.addIssue({
          code: 'custom',
          path: ['request_data', name],
          message: 'stands among the entities too',
        });
      }
    }
  });

export type GetOnlineFeaturesBody = z.infer<typeof GetOnlineFeatures>;

/** REQUEST_INVALID with all problems of the body at once. */
export function parseGetOnlineFeatures(body: ExactJson | undefined): GetOnlineFeaturesBody {
  return parseBody(GetOnlineFeatures, body);
}
