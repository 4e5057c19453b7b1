import { TidemarkError } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import { batchViews, versionsOf } from '../core/manifest.ts';
import { nearest } from '../core/nearest.ts';
import { formatTime, parseTime } from '../core/time.ts';
import type { TimeRange, ViewTarget } from '../orchestrate/contracts.ts';
import type { Registry } from '../registry/registry.ts';

/** `view` (its serving version) or `view@v2`, as applied. */
export async function viewTarget(registry: Registry, manifest: Manifest, text: string): Promise<ViewTarget> {
  const match = /^([a-z][a-z0-9_]*)(?:@v([1-9]\d*))?$/.exec(text);
  const [, view = text, version] = match ?? [];
  const versions = versionsOf(manifest, view);
  if (match === null || versions.length === 0) {
    const names = [...new Set(batchViews(manifest).map(({ name }) => name))];
    const near = nearest(view, names);
    throw new TidemarkError(
      'UNKNOWN_VIEW',
      `Cannot find view "${text}" in project "${manifest.project}".${near === undefined ? '' : ` Did you mean "${near}"?`} It has ${names.join(', ') || 'no views'}.`,
    );
  }
  const serving = await registry.servingVersions(manifest.project);
  const chosen = version === undefined ? (serving.get(view) ?? versions[0] ?? 1) : Number(version);
  if (!versions.includes(chosen)) {
    throw new TidemarkError(
      'UNKNOWN_VIEW',
      `Cannot find view "${view}" at version ${chosen}: the registry has ${versions.map((known) => `v${known}`).join(', ')}.`,
    );
  }
  return { project: manifest.project, view, version: chosen };
}

/** --start and --end of a command; both or neither. */
export function rangeOption(start: string | undefined, end: string | undefined): TimeRange | undefined {
  if (start === undefined && end === undefined) return undefined;
  if (start === undefined || end === undefined) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      'Give both --start and --end, or neither for everything that is due.',
    );
  }
  const [from, to] = [timeOption('--start', start), timeOption('--end', end)];
  if (from >= to) {
    throw new TidemarkError('REQUEST_INVALID', `--start ${start} must lie before --end ${end}.`);
  }
  return { start: formatTime(from), end: formatTime(to) };
}

function timeOption(name: string, text: string) {
  const time = parseTime(text);
  if (time === undefined) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `${name} "${text}" is not an ISO 8601 time such as 2026-01-01T00:00:00Z.`,
    );
  }
  return time;
}
