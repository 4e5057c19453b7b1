import type { ValueOf } from '../core/value-type.ts';
import type { ColumnTypes } from './column-types.ts';
import type { BatchViewDefinition, FeatureTypes, ViewSelection } from './feature-view.ts';
import type { MetadataInput } from './metadata.ts';
import type { RequestSourceDefinition } from './source.ts';

export type OnDemandInputs = Readonly<Record<string, BatchViewDefinition | RequestSourceDefinition>>;

/** What a transform is given for each input: features may be null, request fields may not. */
export type TransformInputs<I extends OnDemandInputs> = {
  readonly [K in keyof I]: I[K] extends BatchViewDefinition<string, infer F extends FeatureTypes>
    ? { readonly [P in keyof F]: ValueOf<F[P]> | null }
    : I[K] extends RequestSourceDefinition<infer R extends ColumnTypes>
      ? { readonly [P in keyof R]: ValueOf<R[P]> }
      : never;
};

export type TransformOutputs<F extends FeatureTypes> = { readonly [P in keyof F]: ValueOf<F[P]> | null };

export interface OnDemandViewInput<Name extends string, I extends OnDemandInputs, F extends FeatureTypes>
  extends MetadataInput {
  readonly name: Name;
  readonly version?: number;
  readonly inputs: I;
  readonly features: F;
  /** A pure function: the same one runs in training and in serving. */
  readonly transform: (inputs: TransformInputs<I>) => TransformOutputs<F>;
}

/** The function as the engine calls it: inputs by input name, then by feature or field. */
export type Transform = (
  inputs: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
) => Readonly<Record<string, unknown>>;

export interface OnDemandViewDefinition<Name extends string = string, F extends FeatureTypes = FeatureTypes> {
  readonly kind: 'on_demand_view';
  readonly config: Omit<OnDemandViewInput<Name, OnDemandInputs, F>, 'transform' | 'version'> & {
    readonly version: number;
    readonly transform: Transform;
  };
  pick<const K extends keyof F & string>(...features: readonly K[]): ViewSelection<Pick<F, K>>;
  readonly featureTypes?: F;
}

/** Features computed at the moment of use from other features and request data. */
export function onDemandFeatureView<
  const Name extends string,
  const I extends OnDemandInputs,
  const F extends FeatureTypes,
>(config: OnDemandViewInput<Name, I, F>): OnDemandViewDefinition<Name, F> {
  const view: OnDemandViewDefinition<Name, F> = {
    kind: 'on_demand_view',
    config: { ...config, version: config.version ?? 1, transform: config.transform as unknown as Transform },
    pick: (...features) => ({ kind: 'view_selection', view, features }),
  };
  return view;
}
