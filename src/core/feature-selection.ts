/** The features one model or request asks for: by reference, or by the name of a feature service. */
export type FeatureSelection =
  /** `view:feature`, `view@v2:feature`, `view:*`. */
  | { readonly kind: 'references'; readonly references: readonly string[] }
  | { readonly kind: 'service'; readonly service: string };
