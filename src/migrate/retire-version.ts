import { consumersText, isTrainingSet } from '../core/consumer.ts';
import { TidemarkError } from '../core/errors.ts';
import { type BatchViewSpec, formatViewVersion, type ViewVersion } from '../core/feature-view.ts';
import { type Manifest, onDemandViews } from '../core/manifest.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { onlineTableOf } from '../online/online-table.ts';
import type { Registry } from '../registry/registry.ts';

export interface RetireDeps {
  readonly registry: Registry;
  readonly online: OnlineStore;
  /** Ends the version's schedule. */
  readonly removeSchedule: (version: ViewVersion) => Promise<void>;
}

export interface Retired {
  readonly onlineRows: number;
  /** Built from the version, and still whole; the first few, and how many more there are. */
  readonly trainingSets: readonly string[];
}

/**
 * Takes a version out of service for good: its schedule and its online rows. The ledger and the offline files stay,
 * for training sets that were built from them. Refused while a service reads it; training sets are only listed.
 */
export async function retireVersion(
  project: string,
  view: BatchViewSpec,
  { registry, online, removeSchedule }: RetireDeps,
): Promise<Retired> {
  const version: ViewVersion = { project, view: view.name, version: view.version };
  const serving = (await registry.servingVersions(project)).get(view.name);
  if (serving === view.version) {
    throw new TidemarkError(
      'FORBIDDEN',
      `Cannot retire ${formatViewVersion(version)}: it is the serving version. Migrate to another one first.`,
    );
  }
  const consumers = await registry.consumers(version);
  const trainingSets = consumersText(consumers.filter(isTrainingSet));
  const applied = await registry.load(project);
  const readers = [
    ...consumersText(consumers.filter((one) => !isTrainingSet(one))),
    ...onDemandReaders(applied?.manifest, version),
  ];
  if (readers.length > 0) {
    const built =
      trainingSets.length === 0 ? '' : ` Sets built from it stay as they are: ${trainingSets.join(', ')}.`;
    throw new TidemarkError(
      'FORBIDDEN',
      `Cannot retire ${formatViewVersion(version)}: ${readers.join(', ')} still read it. Move them to another version, apply, and retire again.${built}`,
    );
  }
  await removeSchedule(version);
  return { onlineRows: await online.drop(onlineTableOf(project, view)), trainingSets };
}

/** On-demand views that are computed from a version, whether a service has them or not: requests may ask for them. */
function onDemandReaders(manifest: Manifest | undefined, { view, version }: ViewVersion): readonly string[] {
  if (manifest === undefined) return [];
  return onDemandViews(manifest)
    .filter(({ inputs }) =>
      inputs.some((input) => input.kind === 'view' && input.view === view && input.version === version),
    )
    .map((reader) => `on-demand view ${reader.name}@v${reader.version}`);
}
