import { TidemarkError } from '../core/errors.ts';
import { type BatchViewSpec, formatViewVersion, type ViewVersion } from '../core/feature-view.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { onlineTableOf } from '../online/online-table.ts';
import type { Registry } from '../registry/registry.ts';

export interface RetireDeps {
  readonly registry: Registry;
  readonly online: OnlineStore;
  /** Ends the version's schedule. */
  readonly removeSchedule: (version: ViewVersion) => Promise<void>;
}

/**
 * Takes a version out of service for good: its schedule and its online rows. The ledger and the offline files stay,
 * for training sets that were built from them. Refused while anyone reads it.
 */
export async function retireVersion(
  project: string,
  view: BatchViewSpec,
  { registry, online, removeSchedule }: RetireDeps,
): Promise<{ readonly onlineRows: number }> {
  const version: ViewVersion = { project, view: view.name, version: view.version };
  const serving = (await registry.servingVersions(project)).get(view.name);
  if (serving === view.version) {
    throw new TidemarkError(
      'FORBIDDEN',
      `Cannot retire ${formatViewVersion(version)}: it is the serving version. Migrate to another one first.`,
    );
  }
  const consumers = await registry.consumers(version);
  if (consumers.length > 0) {
    throw new TidemarkError(
      'FORBIDDEN',
      `Cannot retire ${formatViewVersion(version)}: ${consumers.join(', ')} still read it. Move them to another version, apply, and retire again.`,
    );
  }
  await removeSchedule(version);
  return { onlineRows: await online.drop(onlineTableOf(project, view)) };
}
