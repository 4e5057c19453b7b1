import { formatViewVersion } from '../core/feature-view.ts';
import { type Interval, intersect, subtract, union } from '../core/interval.ts';
import { formatTime, timeOf } from '../core/time.ts';
import { type KnownFilesDeps, knownFiles } from './known-files.ts';
import type { TrainingSetManifest } from './manifest.ts';
import { parseKnownAt } from './plan-training-set.ts';

/** Where a set built today would read something else than this one did. */
export interface RestatedInput {
  /** `view@v1` */
  readonly view: string;
  /**
   * `restated`: what was read has been replaced since; `added`: nothing was read there, and there is something
   * now; `gone`: the ledger has nothing there any more.
   */
  readonly kind: 'restated' | 'added' | 'gone';
  /** ISO 8601. */
  readonly start: string;
  readonly end: string;
}

/**
 * What has become of a set's inputs since it was built, by view and range; the set itself never changes. A restatement
 * changes nothing that a cut-off before it reads.
 */
export async function restatedInputs(
  { contents, recipe }: TrainingSetManifest,
  deps: KnownFilesDeps,
): Promise<readonly RestatedInput[]> {
  const found: RestatedInput[] = [];
  for (const [index, record] of contents.views.entries()) {
    const asked = recipe.parts[index]?.range ?? null;
    if (asked === null) continue;
    const whole = { start: timeOf(asked.start), end: timeOf(asked.end) };
    const version = { project: contents.project, view: record.view, version: record.version };
    const knownAt = parseKnownAt(
      record.horizon !== undefined && contents.knownAt === 'row' ? 'any' : contents.knownAt,
    );
    const { slices: now } = await knownFiles(version, { range: whole, knownAt }, deps);
    const then = record.slices.map(({ start, end, digest, revision }) => ({
      range: { start: timeOf(start), end: timeOf(end) },
      digest,
      revision,
    }));
    const current = union(now.map(({ range }) => range));
    const read = union(then.map(({ range }) => range));
    const same = then.flatMap(({ range, digest, revision }) =>
      now
        .filter((file) => file.digest === digest && file.revision === revision)
        .flatMap((file) => intersect(range, file.range) ?? []),
    );
    const told = (kind: RestatedInput['kind'], ranges: readonly Interval[]) => {
      for (const { start, end } of ranges) {
        found.push({ view: formatViewVersion(record), kind, start: formatTime(start), end: formatTime(end) });
      }
    };
    const changed = union(read.flatMap((range) => subtract(range, same)));
    told(
      'restated',
      union(changed.flatMap((range) => current.flatMap((one) => intersect(range, one) ?? []))),
    );
    told('gone', union(changed.flatMap((range) => subtract(range, current))));
    told('added', union(current.flatMap((range) => subtract(range, read))));
  }
  // Two readings of one view (aliases) read the same files.
  return found.filter(
    (one, at) => found.findIndex((other) => JSON.stringify(other) === JSON.stringify(one)) === at,
  );
}
