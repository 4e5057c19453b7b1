import { TidemarkError } from '../core/errors.ts';
import { type BatchViewSpec, formatViewVersion, type ViewVersion } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import type { RevisedSlice } from '../offline/feature-reader.ts';
import { publish } from './publish.ts';

type Deps = Parameters<typeof publish>[1] & {
  /** Of a ledger, what is asked of it. */
  readonly ledger: {
    files(version: ViewVersion): Promise<readonly (RevisedSlice & { readonly range: Interval })[]>;
  };
};

/**
 * Publishes everything that is committed once more, computing nothing: for an online store that has lost rows, a
 * view that has just become `online`, or one whose TTL was raised. Rows that are there stay as they are.
 */
export async function republish(
  request: { readonly project: string; readonly view: BatchViewSpec; readonly signal?: AbortSignal },
  deps: Deps,
): Promise<{ readonly published: number; readonly written: number }> {
  const { project, view } = request;
  if (!view.online) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot publish ${formatViewVersion({ view: view.name, version: view.version })}: its definition says online: false. Set online: true and apply.`,
    );
  }
  const files = await deps.ledger.files({ project, view: view.name, version: view.version });
  const slices = files.map(({ path, range, revision }) => ({ path, range, revision }));
  return slices.length === 0 ? { published: 0, written: 0 } : await publish({ ...request, slices }, deps);
}
