import { digestOf } from '../core/canonical.ts';
import type { JoinKey } from '../core/entity.ts';
import type { FeatureSelection } from '../core/feature-selection.ts';
import { type FeatureSpec, formatViewVersion } from '../core/feature-view.ts';
import type { ResolvedFeatures } from '../core/resolve-features.ts';
import type { Column } from '../core/source.ts';
import type { ValueType } from '../core/value-type.ts';
import type { SpineColumn } from '../offline/as-of-engine.ts';
import type { ArrangedFile, TableLayout } from '../offline/table-arranger.ts';

/**
 * Everything that decides the bytes of a training set, and nothing else: not where it lies, not when or by whom it
 * was made. The same contents are the same set.
 */
export interface TrainingSetContents {
  readonly project: string;
  readonly spine: {
    readonly digest: string;
    readonly timestampField: string;
    readonly rows: number;
    readonly columns: readonly Column[];
  };
  /** `any`, `row` or an ISO 8601 time. */
  readonly knownAt: string;
  /** Feature columns in their order. */
  readonly outputs: readonly OutputRecord[];
  /** What is to be predicted; absent when the set does not say. */
  readonly label?: LabelRecord;
  /** With the label's view, if it has one, as the last. */
  readonly views: readonly ViewRecord[];
  readonly onDemand: readonly OnDemandRecord[];
  readonly engine: string;
  readonly layout: TableLayout;
}

export interface OutputRecord {
  readonly name: string;
  readonly view: string;
  readonly version: number;
  readonly feature: string;
  readonly type: ValueType;
}

export type LabelRecord = { readonly name: string; readonly type: ValueType } & (
  | { readonly kind: 'column' }
  | {
      readonly kind: 'view';
      readonly view: string;
      readonly version: number;
      readonly feature: string;
      /** `1d`: the newest value with t < event time ≤ t + horizon. */
      readonly horizon: string;
      /** ISO 8601: entity rows after it are left out. Null: there are none. */
      readonly notAfter: string | null;
    }
);

/** One reading of a batch view. */
export interface ViewRecord {
  readonly view: string;
  readonly version: number;
  readonly fingerprint: string;
  /** By join key, the spine column it was read from. */
  readonly keys: Readonly<Record<string, string>>;
  readonly features: readonly string[];
  readonly ttl: string | null;
  readonly dataDelay: string;
  /** Set for a label's view: it is read forward so far. */
  readonly horizon?: string;
  /** Whether values count only while their rows are true; absent: rows do not end. */
  readonly validity?: boolean;
  readonly slices: readonly SliceRecord[];
  /** Earlier work over the same time, of which rows count that `slices` has later known ones of; absent: none. */
  readonly replaced?: readonly SliceRecord[];
}

export interface SliceRecord {
  /** Relative to the offline root. */
  readonly path: string;
  /** SHA-256 of the file. */
  readonly digest: string;
  readonly revision: number;
  /** ISO 8601; rows whose interval ends in (start, end]. */
  readonly start: string;
  readonly end: string;
}

export interface OnDemandRecord {
  readonly view: string;
  readonly version: number;
  readonly fingerprint: string;
  /** SHA-256 of the function's text. What it calls elsewhere is not in it. */
  readonly code: string;
}

export function trainingSetId(contents: TrainingSetContents): string {
  return digestOf(contents);
}

/** What lies as `manifest.json` beside the data; it is written last, so a set that has one is whole. */
export interface TrainingSetManifest {
  readonly id: string;
  readonly contents: TrainingSetContents;
  readonly recipe: Recipe;
  readonly data: {
    readonly rows: number;
    readonly bytes: number;
    /** Entity rows that are not in the set, as the horizon of their label had not passed; absent: none. */
    readonly leftOut?: number;
    /** Absent in sets of before it was looked for. */
    readonly possibleLeakage?: readonly PossibleLeakage[];
    /** Absent: nothing is missing. */
    readonly forgotten?: readonly ForgottenRange[];
    /** By feature column, and that of a label's view: rows without a value. */
    readonly nulls: Readonly<Record<string, number>>;
    /** Relative to the manifest. */
    readonly files: readonly ArrangedFile[];
    /** The entity rows, where the files are in a format that does not keep their types. */
    readonly spine: ArrangedFile | null;
  };
  /** ISO 8601. */
  readonly createdAt: string;
}

/**
 * A view that gave entity rows values of exactly their own times. Where an entity row tells of an event (an order, and
 * whether it was returned), such a value may come from that very event, which serving does not have yet.
 */
export interface PossibleLeakage {
  /** `view@v1` */
  readonly view: string;
  /** By join key, the column of the entity rows that it was read from. */
  readonly keys: Readonly<Record<string, string>>;
  readonly rows: number;
  /** Of all rows, in (0, 1]. */
  readonly share: number;
}

/** Where a view's file of what was known at the cut-off is gone, and what was committed since was read in its place. */
export interface ForgottenRange {
  /** `view@v1` */
  readonly view: string;
  /** ISO 8601. */
  readonly start: string;
  readonly end: string;
}

/**
 * What making the set again takes besides its contents, whatever has become of the definitions since. No part of
 * the set's name: the contents decide all of it, or it decides nothing of the bytes.
 */
export interface Recipe {
  /** The spine's columns, in their order, as the engine read them. */
  readonly spineColumns: readonly SpineColumn[];
  readonly outputs: ResolvedFeatures['outputs'];
  /** Of each view, as in `contents.views`. */
  readonly parts: readonly PartRecipe[];
  readonly onDemand: ResolvedFeatures['onDemand'];
  /** What the features were asked for as, by whoever made the set first. */
  readonly selection: FeatureSelection;
  /** Set when no entity rows were given: they are what the views have with event times in [from, to), ISO 8601. */
  readonly range?: { readonly from: string; readonly to: string };
}

export interface PartRecipe {
  readonly joinKeys: readonly JoinKey[];
  readonly features: readonly FeatureSpec[];
  /** A row tells only of what was before its event time: declared aggregations, over [e − w, e). */
  readonly endsBefore?: boolean;
  /** ISO 8601: what the ledger was asked for; null when no entity row could see anything. */
  readonly range: { readonly start: string; readonly end: string } | null;
}

/** Rows by part; undefined without a split. */
export function partsOf({ data }: TrainingSetManifest): Readonly<Record<string, number>> | undefined {
  const parts: Record<string, number> = {};
  for (const { part, rows } of data.files) if (part !== null) parts[part] = (parts[part] ?? 0) + rows;
  return Object.keys(parts).length === 0 ? undefined : parts;
}

/** By feature column; the label is none. Null where there are no rows. */
export function nullSharesOf({
  contents,
  data,
}: TrainingSetManifest): Readonly<Record<string, number | null>> {
  return Object.fromEntries(
    contents.outputs.map(({ name }) => [name, data.rows === 0 ? null : (data.nulls[name] ?? 0) / data.rows]),
  );
}

/** The label in words: `delayed`, or `delayed (outcome@v1:delayed within 1d)`. */
export function labelText(label: LabelRecord): string {
  if (label.kind === 'column') return label.name;
  return `${label.name} (${formatViewVersion(label)}:${label.feature} within ${label.horizon})`;
}
