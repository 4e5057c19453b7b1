import { messageOf, TidemarkError } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { Clock, Micros } from '../core/time.ts';
import type { Registry } from '../registry/registry.ts';

/** What serving knows of the registry; a new object only when something changed, so plans may be kept by it. */
export interface RegistrySnapshot {
  readonly manifest: Manifest;
  readonly revision: number;
  /** The version an unpinned reference reads, by view. */
  readonly servingVersions: ReadonlyMap<string, number>;
}

export interface RegistryWatch {
  /** UNKNOWN_PROJECT as long as nothing has been applied. */
  current(): RegistrySnapshot;
  status(): WatchStatus;
  /** Reads the registry now; never throws: what failed stands in `status`. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export interface WatchStatus {
  /** When the registry was last read with success. */
  readonly readAt: Micros;
  /** Why the last reading failed; null when it did not. */
  readonly error: string | null;
  readonly revision: number | null;
}

export interface WatchOptions {
  /** One that tells of its changes is read then, and polled slowly only in case something was missed. */
  readonly registry: Pick<Registry, 'load' | 'servingVersions'> & Partial<Pick<Registry, 'onChange'>>;
  readonly project: string;
  readonly clock: Clock;
  /** Between one reading and the next when nothing is told; default 10,000, or 1,000 where a registry tells nothing. */
  readonly intervalMillis?: number;
  /** Called with what was read first, and whenever something has changed. */
  readonly onRead?: (snapshot: RegistrySnapshot) => void;
}

/** While the registry cannot be read. */
const RETRY_MILLIS = 1000;

/**
 * Keeps the applied definitions of a project in memory, so that reads never wait for Postgres and go on without it.
 * Throws what the registry throws (STORE_UNAVAILABLE) when it cannot be read at the start.
 */
export async function watchRegistry(options: WatchOptions): Promise<RegistryWatch> {
  const { registry, project, clock } = options;
  const { intervalMillis = registry.onChange === undefined ? RETRY_MILLIS : 10_000 } = options;
  let snapshot = await read(registry, project, undefined);
  let readAt = clock();
  let error: string | null = null;
  let reading: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  if (snapshot !== undefined) options.onRead?.(snapshot);

  const refresh = (): Promise<void> => {
    reading ??= read(registry, project, snapshot)
      .then((next) => {
        if (next !== undefined && next !== snapshot) options.onRead?.(next);
        snapshot = next;
        readAt = clock();
        error = null;
      })
      .catch((thrown: unknown) => {
        error = messageOf(thrown);
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };
  const schedule = () => {
    if (closed) return;
    clearTimeout(timer);
    const wait = error === null ? intervalMillis : Math.min(intervalMillis, RETRY_MILLIS);
    timer = setTimeout(() => void refresh().then(schedule), wait).unref();
  };
  schedule();
  // A reading that is under way may have begun before the change.
  const stopListening = registry.onChange?.(project, () => {
    void (reading ?? Promise.resolve()).then(refresh).then(schedule);
  });

  return {
    current() {
      if (snapshot !== undefined) return snapshot;
      throw new TidemarkError(
        'UNKNOWN_PROJECT',
        `Cannot serve project "${project}": nothing has been applied under that name. Run tidemark apply.`,
      );
    },
    status: () => ({ readAt, error, revision: snapshot?.revision ?? null }),
    refresh,
    async close() {
      closed = true;
      clearTimeout(timer);
      await stopListening?.();
      await reading;
    },
  };
}

async function read(
  registry: WatchOptions['registry'],
  project: string,
  known: RegistrySnapshot | undefined,
): Promise<RegistrySnapshot | undefined> {
  const [applied, servingVersions] = await Promise.all([
    registry.load(project),
    registry.servingVersions(project),
  ]);
  if (applied === undefined) return undefined;
  const { manifest, revision } = applied;
  if (known?.revision === revision && sameVersions(known.servingVersions, servingVersions)) return known;
  return { manifest, revision, servingVersions };
}

function sameVersions(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([view, version]) => b.get(view) === version);
}
