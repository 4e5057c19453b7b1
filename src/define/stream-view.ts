import type { ColumnTypes } from './column-types.ts';
import type { BatchViewDefinition, FeatureTypes, PassThroughViewInput } from './feature-view.ts';
import type { PushSourceDefinition } from './push-source.ts';

/** Columns of a push source, each with the type it is served as. */
export type PushedFeatures<Columns extends ColumnTypes> = {
  readonly [Column in keyof Columns]?: FeatureTypes[string];
};

export interface StreamViewInput<
  Name extends string,
  Columns extends ColumnTypes,
  F extends PushedFeatures<Columns>,
> extends Omit<PassThroughViewInput<Name, FeatureTypes>, 'source' | 'features' | 'schedule'> {
  readonly source: PushSourceDefinition<Columns>;
  /** Columns of the source that become features, with their types. */
  readonly features: F & { readonly [Other in Exclude<keyof F, keyof Columns>]: never };
  /** When pushed rows become offline features; default every hour. Online they are at once. */
  readonly schedule?: string;
}

const HOURLY = '0 * * * *';

/**
 * The newest pushed row of each entity. A batch view whose columns pass through, and more: what is pushed online is
 * served when the push is answered, and the view is as fresh as its newest event.
 */
export function streamFeatureView<
  const Name extends string,
  const Columns extends ColumnTypes,
  const F extends FeatureTypes & PushedFeatures<Columns>,
>(config: StreamViewInput<Name, Columns, F>): BatchViewDefinition<Name, F> {
  const view: BatchViewDefinition<Name, F> = {
    kind: 'batch_view',
    config: { ...config, schedule: config.schedule ?? HOURLY, stream: true },
    pick: (...features) => ({ kind: 'view_selection', view, features }),
  };
  return view;
}
