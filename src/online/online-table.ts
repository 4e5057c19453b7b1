import type { BatchViewSpec } from '../core/feature-view.ts';
import { durationOf } from '../core/time.ts';
import type { OnlineTable } from './online-store.ts';

/** How the online store sees a view version. */
export function onlineTableOf(project: string, view: BatchViewSpec): OnlineTable {
  return {
    project,
    view: view.name,
    version: view.version,
    keyTypes: view.joinKeys.map(({ type }) => type),
    valueTypes: view.features.map(({ type }) => type),
    ttl: view.ttl === null ? null : durationOf(view.ttl),
    ...(view.validTo === undefined ? {} : { validity: true }),
  };
}
