import type { Metadata } from './entity.ts';

/** One view's part in a service: some features of one pinned version. */
export interface ServiceMember {
  readonly view: string;
  readonly version: number;
  readonly features: readonly string[];
}

/** The features one model uses. */
export interface FeatureServiceSpec extends Metadata {
  readonly kind: 'feature_service';
  readonly name: string;
  readonly members: readonly ServiceMember[];
}

/** `view:feature` reads the serving version, `view@v2:feature` that one, `view:*` all features. */
export interface FeatureReference {
  readonly view: string;
  /** Null: the serving version. */
  readonly version: number | null;
  /** Null: all features of the view. */
  readonly feature: string | null;
}

/** Undefined when the text is no reference. */
export function parseFeatureReference(text: string): FeatureReference | undefined {
  const match = /^([a-z][a-z0-9_]*)(?:@v([1-9]\d*))?:([a-z_][a-z0-9_]*|\*)$/i.exec(text);
  if (match === null) return undefined;
  const [, view = '', version, feature = ''] = match;
  return {
    view,
    version: version === undefined ? null : Number(version),
    feature: feature === '*' ? null : feature,
  };
}

export function formatFeatureReference({ view, version, feature }: FeatureReference): string {
  return `${view}${version === null ? '' : `@v${version}`}:${feature ?? '*'}`;
}
