import type { BatchViewSpec } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import type { ResolvedFeatures, ViewPart } from '../core/resolve-features.ts';
import { durationOf, formatTime, latest, type Micros, micros, timeOf } from '../core/time.ts';
import type { CommittedFile, Ledger } from '../ledger/ledger.ts';
import type { AsOfView, JoinedView, SpineDescription } from '../offline/as-of-engine.ts';
import type { ResolvedLabel } from './label.ts';
import type { SliceRecord, ViewRecord } from './manifest.ts';

/** A part as the engine joins it, and as the manifest records it. */
export interface ViewReading {
  readonly asOf: AsOfView;
  readonly record: ViewRecord;
  readonly range: Interval | null;
}

/**
 * What is read of each batch view: the files committed now that hold rows some spine row may see. Features that
 * only on-demand views need get names that no definition can have.
 */
export function readViews(
  project: string,
  resolved: ResolvedFeatures,
  spine: SpineDescription,
  ledger: Pick<Ledger, 'files'>,
): Promise<readonly ViewReading[]> {
  return Promise.all(
    resolved.parts.map(async (part, index): Promise<ViewReading> => {
      const { view, alias } = part;
      const range = readRange(part, spine);
      const version = { project, view: view.name, version: view.version };
      const files = range === null ? [] : await ledger.files(version, range);
      const validity = view.validTo === undefined ? {} : { validity: true };
      const spineColumns = view.joinKeys.map(({ name }) => alias?.keys[name] ?? name);
      return {
        range,
        asOf: {
          view: view.name,
          version: view.version,
          joinKeys: view.joinKeys,
          spineColumns,
          features: part.features.map((feature, at) => ({ feature, output: columnOf(resolved, index, at) })),
          ttl: view.ttl === null ? null : durationOf(view.ttl),
          dataDelay: durationOf(view.dataDelay),
          ...validity,
          slices: files.map(({ path, range, revision }) => ({ path, range, revision })),
        },
        record: {
          view: view.name,
          version: view.version,
          fingerprint: view.fingerprint,
          keys: Object.fromEntries(view.joinKeys.map(({ name }, at) => [name, spineColumns[at] ?? name])),
          features: part.features.map(({ name }) => name),
          ttl: view.ttl,
          dataDelay: view.dataDelay,
          ...validity,
          slices: sliceRecords(files),
        },
      };
    }),
  );
}

export function sliceRecords(files: readonly CommittedFile[]): readonly SliceRecord[] {
  return files.map(({ path, digest, revision, range }) => ({
    path,
    digest,
    revision,
    start: formatTime(range.start),
    end: formatTime(range.end),
  }));
}

/** What the spine must be fit for, before any of it is read. */
export function joinedViews(
  { parts }: ResolvedFeatures,
  label: ResolvedLabel | undefined,
): readonly JoinedView[] {
  const joined = parts.map(({ view, alias }) => joinedView(view, alias?.keys));
  return label?.kind === 'view' ? [...joined, joinedView(label.view)] : joined;
}

function joinedView(
  { name, version, joinKeys }: BatchViewSpec,
  keys: Readonly<Record<string, string>> = {},
): JoinedView {
  return { view: name, version, joinKeys, spineColumns: joinKeys.map((key) => keys[key.name] ?? key.name) };
}

/** The column of feature `feature` of part `part` while a training set is made. */
export function columnOf(
  { outputs }: Pick<ResolvedFeatures, 'outputs'>,
  part: number,
  feature: number,
): string {
  const output = outputs.find(
    ({ from }) => from.kind === 'part' && from.part === part && from.feature === feature,
  );
  return output?.name ?? `__input_${part}_${feature}`;
}

/**
 * The interval ends of rows that some spine row may see. A row's event time lies in its interval, both ends
 * included: hence one microsecond more on either side.
 */
function readRange({ view }: ViewPart, { span }: SpineDescription): Interval | null {
  if (span === null) return null;
  const began = timeOf(view.startTime);
  const oldest = view.ttl === null ? began : micros(span.first - durationOf(view.ttl));
  const start: Micros = micros(latest(oldest, began) - 1n);
  const end = micros(span.last - durationOf(view.dataDelay) + 1n);
  return start < end ? { start, end } : null;
}
