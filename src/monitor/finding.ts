/** What the monitor found wrong at one look. The same trouble has the same identity at every look. */
export interface Finding {
  /** Such as `freshness/shop/user_activity@v1`: one alert is open per identity. */
  readonly identity: string;
  readonly kind: FindingKind;
  readonly project: string;
  /** Null where no view is concerned: the identity and the summary say what is. */
  readonly view: string | null;
  readonly version: number | null;
  readonly severity: Severity;
  /** One sentence for people. */
  readonly summary: string;
  /** The facts behind the sentence; of bounded size. */
  readonly details: Details;
}

export type FindingKind = ViewFindingKind | 'training_set_failed' | 'pushed_rows_unreadable';

export type ViewFindingKind = 'freshness_breached' | 'interval_failed' | 'interval_held';

/** `critical`: readers who did not ask for a version are served by the view; `warning`: nobody is served worse yet. */
export type Severity = 'critical' | 'warning';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [field: string]: Json };

export type Details = { readonly [field: string]: Json };
