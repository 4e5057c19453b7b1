import type { BatchViewDefinition, FeatureTypes, ViewSelection } from './feature-view.ts';
import type { MetadataInput } from './metadata.ts';
import type { OnDemandViewDefinition } from './on-demand-view.ts';

/** A view stands for all its features. */
export type ServiceFeature =
  | BatchViewDefinition<string, FeatureTypes>
  | OnDemandViewDefinition<string, FeatureTypes>
  | ViewSelection;

export interface FeatureServiceInput extends MetadataInput {
  readonly name: string;
  readonly features: readonly ServiceFeature[];
}

export interface FeatureServiceDefinition {
  readonly kind: 'feature_service';
  readonly config: FeatureServiceInput;
}

/** The features one model uses; view versions are pinned to those of the definitions given. */
export function featureService(config: FeatureServiceInput): FeatureServiceDefinition {
  return { kind: 'feature_service', config };
}
