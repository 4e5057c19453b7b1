/** What a feature repository and a client import; the only barrel. */
export { type ClientOptions, createClient, type TidemarkClient } from './client/client.ts';
export type {
  EntityInput,
  FeatureResult,
  NamedFeatureResult,
  NamedRequest,
  ServiceRequest,
  ViewRequest,
} from './client/requests.ts';
export { TidemarkError } from './core/errors.ts';
export type { FeatureStatus } from './core/rows.ts';
export type { Value, ValueType } from './core/value-type.ts';
export * from './define/aggregation.ts';
export { devHooks } from './define/dev-hooks.ts';
export { entity } from './define/entity.ts';
export { featureService } from './define/feature-service.ts';
export { batchFeatureView } from './define/feature-view.ts';
export { onDemandFeatureView } from './define/on-demand-view.ts';
export { project } from './define/project.ts';
export { pushSource } from './define/push-source.ts';
export { between, maxNullShare, minRows } from './define/quality.ts';
export { csvSource, jsonSource, parquetSource, postgresSource, requestSource } from './define/source.ts';
export { streamFeatureView } from './define/stream-view.ts';
export { trainingSetSchedule } from './define/training-set-schedule.ts';
