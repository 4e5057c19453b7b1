/** Runs one commit at a time, with all that has come since the last one began. */
export interface GroupCommit<Item> {
  /** Resolves when the commit that holds the item has; rejects with all others of that commit. */
  add(item: Item): Promise<void>;
  /** Runs between two commits. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
}

export function groupCommit<Item>(commit: (items: readonly Item[]) => Promise<void>): GroupCommit<Item> {
  interface Waiting {
    readonly item: Item;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  let isQueued = false;

  async function commitWaiting(): Promise<void> {
    isQueued = false;
    const group = waiting;
    waiting = [];
    try {
      await commit(group.map(({ item }) => item));
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  return {
    add(item) {
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (isQueued) return;
        isQueued = true;
        turn = turn.then(commitWaiting);
      });
    },
    exclusively(work) {
      const done = turn.then(work);
      turn = done.catch(() => undefined);
      return done;
    },
  };
}
