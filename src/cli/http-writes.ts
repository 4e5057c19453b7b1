import { messageOf, TidemarkError } from '../core/errors.ts';
import type { Manifest } from '../core/manifest.ts';
import type { PushSourceSpec } from '../core/source.ts';
import { noteStreams } from '../monitor/note-streams.ts';
import type { PushLog } from '../push/push-log.ts';
import { receiptClock } from '../push/receipt-clock.ts';
import type { WriteDependencies } from '../server/dependencies.ts';
import type { RegistryWatch } from '../serving/registry-watch.ts';
import type { Session } from './context.ts';

export interface HttpWrites extends WriteDependencies {
  close(): Promise<void>;
}

/**
 * What the server writes with. The push log is opened beside the server's start, which does not wait for it; an
 * append does. Closing makes files of what it holds.
 */
export async function httpWrites(
  { platform }: Pick<Session, 'platform'>,
  registry: Pick<RegistryWatch, 'current' | 'status'>,
  say: (line: string) => void,
): Promise<HttpWrites> {
  const notes = noteStreams(await platform.streams());
  const log = lazyPushLog(() =>
    platform.pushLog({
      sourceOf: async (_project, source) => pushSource(registry.current().manifest, source),
      log: say,
    }),
  );
  // Rows that a process left behind when it died become files now, not with the next push.
  const opening = hasPushSources(registry)
    ? log.open().catch((error: unknown) => say(messageOf(error)))
    : undefined;
  return {
    log,
    online: await platform.online(),
    onStreamed: notes.onStreamed,
    clock: receiptClock(platform.clock),
    maxFuture: platform.config.pushMaxFuture,
    maxRowBytes: platform.config.rowMaxBytes,
    async close() {
      await notes.close();
      await opening;
      await log.close();
    },
  };
}

/** Also before anything has been applied. */
function hasPushSources({ current, status }: Pick<RegistryWatch, 'current' | 'status'>): boolean {
  return status().revision !== null && current().manifest.sources.some(({ kind }) => kind === 'push');
}

function pushSource(manifest: Manifest, name: string): PushSourceSpec {
  const source = manifest.sources.find((one) => one.name === name);
  if (source?.kind === 'push') return source;
  throw new TidemarkError('UNKNOWN_SOURCE', `Cannot find push source "${name}": it has been removed.`);
}

/** Opened once; a failure is not remembered. */
function lazyPushLog(openLog: () => Promise<PushLog>): PushLog & { open(): Promise<PushLog> } {
  let opened: Promise<PushLog> | undefined;
  let current: PushLog | undefined;
  const open = () => {
    opened ??= openLog().then(
      (log) => {
        current = log;
        return log;
      },
      (error: unknown) => {
        opened = undefined;
        throw error;
      },
    );
    return opened;
  };
  return {
    open,
    append: async (batch) => (await open()).append(batch),
    unreadable: () => current?.unreadable() ?? [],
    close: async () => (await opened)?.close(),
  };
}
