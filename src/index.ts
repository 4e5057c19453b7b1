/** What a feature repository and a client import; the only barrel. */
export type { Value, ValueType } from './core/value-type.ts';
export * from './define/aggregation.ts';
export { entity } from './define/entity.ts';
export { featureService } from './define/feature-service.ts';
export { batchFeatureView } from './define/feature-view.ts';
export { onDemandFeatureView } from './define/on-demand-view.ts';
export { project } from './define/project.ts';
export { between, maxNullShare, minRows } from './define/quality.ts';
export { csvSource, parquetSource, requestSource } from './define/source.ts';
