import type { ValueType } from '../core/value-type.ts';
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

/** `F` lists the features' types for the client. */
export interface FeatureServiceDefinition<F extends FeatureTypes = FeatureTypes> {
  readonly kind: 'feature_service';
  readonly config: FeatureServiceInput;
  /** Never set: carries the features' types. */
  readonly featureTypes?: F;
}

/** The types of all features of some views and selections, by feature name. */
export type ServiceFeatureTypes<S extends readonly ServiceFeature[]> = {
  readonly [Name in S[number] extends infer One ? NamesOf<One> : never]: TypeOf<S[number], Name>;
};
type NamesOf<One> = One extends { readonly featureTypes?: infer F } ? keyof F & string : never;
type TypeOf<One, Name extends string> = One extends { readonly featureTypes?: infer F }
  ? Name extends keyof F
    ? F[Name] extends ValueType
      ? F[Name]
      : never
    : never
  : never;

/** The features one model uses; view versions are pinned to those of the definitions given. */
export function featureService<const S extends readonly ServiceFeature[]>(
  config: FeatureServiceInput & { readonly features: S },
): FeatureServiceDefinition<ServiceFeatureTypes<S>> {
  return { kind: 'feature_service', config };
}
