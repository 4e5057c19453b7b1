import { digestOf } from '../core/canonical.ts';
import type { JoinKey } from '../core/entity.ts';
import type { FeatureSelection } from '../core/feature-selection.ts';
import type { FeatureSpec } from '../core/feature-view.ts';
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
  /** Whether values count only while their rows are true; absent: rows do not end. */
  readonly validity?: boolean;
  readonly slices: readonly SliceRecord[];
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
    /** By feature column: rows without a value. */
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
  /** ISO 8601: what the ledger was asked for; null when no entity row could see anything. */
  readonly range: { readonly start: string; readonly end: string } | null;
}

/** Rows by part; undefined without a split. */
export function partsOf({ data }: TrainingSetManifest): Readonly<Record<string, number>> | undefined {
  const parts: Record<string, number> = {};
  for (const { part, rows } of data.files) if (part !== null) parts[part] = (parts[part] ?? 0) + rows;
  return Object.keys(parts).length === 0 ? undefined : parts;
}

export function nullSharesOf({ data }: TrainingSetManifest): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(data.nulls).map(([name, nulls]) => [name, data.rows === 0 ? 0 : nulls / data.rows]),
  );
}
