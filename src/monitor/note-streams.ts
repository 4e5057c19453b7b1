import { formatViewVersion, type ViewVersion } from '../core/feature-view.ts';
import type { Micros } from '../core/time.ts';
import type { StreamProgress } from './stream-progress.ts';

export interface StreamNotes {
  /** Remembers it and returns: whoever writes rows does not wait, and does not fail when nothing can be noted. */
  onStreamed(version: ViewVersion, newest: Micros): void;
  /** Notes what is left. */
  close(): Promise<void>;
}

/** Notes progress at most once a second for each view; what could not be noted is tried again with the next. */
export function noteStreams(progress: Pick<StreamProgress, 'note'>, everyMillis: number = 1000): StreamNotes {
  const pending = new Map<string, { readonly version: ViewVersion; readonly newest: Micros }>();
  let timer: NodeJS.Timeout | undefined;
  let noting: Promise<void> = Promise.resolve();

  const keep = (version: ViewVersion, newest: Micros) => {
    const id = `${version.project}/${formatViewVersion(version)}`;
    const before = pending.get(id);
    if (before === undefined || before.newest < newest) pending.set(id, { version, newest });
  };
  const noteAll = async () => {
    const taken = [...pending.values()];
    pending.clear();
    for (const { version, newest } of taken) {
      await progress.note(version, newest).catch(() => keep(version, newest));
    }
  };
  const schedule = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      noting = noting.then(noteAll);
    }, everyMillis).unref();
  };
  return {
    onStreamed(version, newest) {
      keep(version, newest);
      schedule();
    },
    async close() {
      clearTimeout(timer);
      await noting;
      await noteAll();
    },
  };
}
