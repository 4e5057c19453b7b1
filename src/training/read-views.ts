import type { KnownAt } from '../core/as-of.ts';
import { type BatchViewSpec, formatViewVersion } from '../core/feature-view.ts';
import { type Interval, union } from '../core/interval.ts';
import type { ResolvedFeatures, ViewPart } from '../core/resolve-features.ts';
import { durationOf, formatTime, latest, type Micros, micros, timeOf } from '../core/time.ts';
import type { AsOfView, JoinedView, SpineDescription } from '../offline/as-of-engine.ts';
import { type FilePart, type KnownFiles, type KnownFilesDeps, knownFiles } from './known-files.ts';
import type { ResolvedLabel } from './label.ts';
import type { ForgottenRange, SliceRecord, ViewRecord } from './manifest.ts';

/** A part as the engine joins it, and as the manifest records it. */
export interface ViewReading {
  readonly asOf: AsOfView;
  readonly record: ViewRecord;
  readonly range: Interval | null;
  /** As `KnownFiles` has it. */
  readonly forgotten: readonly Interval[];
}

/**
 * What is read of each batch view: the files of the known-at that hold rows some spine row may see. Features that
 * only on-demand views need get names that no definition can have.
 */
export function readViews(
  project: string,
  resolved: ResolvedFeatures,
  spine: SpineDescription,
  { knownAt, ...deps }: KnownFilesDeps & { readonly knownAt: KnownAt },
): Promise<readonly ViewReading[]> {
  return Promise.all(
    resolved.parts.map(async (part, index): Promise<ViewReading> => {
      const { view, alias } = part;
      const range = readRange(part, spine);
      const version = { project, view: view.name, version: view.version };
      const files = range === null ? NOTHING : await knownFiles(version, { range, knownAt }, deps);
      const validity = view.validTo === undefined ? {} : { validity: true };
      const spineColumns = view.joinKeys.map(({ name }) => alias?.keys[name] ?? name);
      return {
        range,
        forgotten: files.forgotten,
        asOf: {
          view: view.name,
          version: view.version,
          joinKeys: view.joinKeys,
          spineColumns,
          features: part.features.map((feature, at) => ({ feature, output: columnOf(resolved, index, at) })),
          ttl: view.ttl === null ? null : durationOf(view.ttl),
          dataDelay: durationOf(view.dataDelay),
          ...validity,
          ...slicesOf(files),
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
          ...sliceRecords(files),
        },
      };
    }),
  );
}

/** Of a view of which no entity row can see anything. */
export const NOTHING: KnownFiles = { slices: [], replaced: [], forgotten: [] };

/** As the engine reads them. */
export function slicesOf({ slices, replaced }: KnownFiles): Pick<AsOfView, 'slices' | 'replaced'> {
  const read = ({ path, range, revision }: FilePart) => ({ path, range, revision });
  return { slices: slices.map(read), ...(replaced.length === 0 ? {} : { replaced: replaced.map(read) }) };
}

/** As the manifest records them. */
export function sliceRecords({ slices, replaced }: KnownFiles): Pick<ViewRecord, 'slices' | 'replaced'> {
  const record = ({ path, digest, revision, range }: FilePart): SliceRecord => ({
    path,
    digest,
    revision,
    start: formatTime(range.start),
    end: formatTime(range.end),
  });
  return { slices: slices.map(record), ...(replaced.length === 0 ? {} : { replaced: replaced.map(record) }) };
}

/** Once for each view, however often it is read. */
export function forgottenRanges(readings: readonly ViewReading[]): readonly ForgottenRange[] {
  const found = new Map<string, readonly Interval[]>();
  for (const { record, forgotten } of readings) {
    const view = formatViewVersion(record);
    found.set(view, union([...(found.get(view) ?? []), ...forgotten]));
  }
  return [...found].flatMap(([view, ranges]) =>
    ranges.map(({ start, end }) => ({ view, start: formatTime(start), end: formatTime(end) })),
  );
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
