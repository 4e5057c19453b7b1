import { budget, type Release } from './budget.ts';

/**
 * A budget before which one may wait, for as much room as it needs; nobody overtakes it. So what is large has its turn
 * too, however steadily others come that would leave no room for it, and no queue grows.
 */
export interface Turnstile {
  /** One waits already: who is not let in now is refused. */
  isTaken(): boolean;
  /** At once where there is room, else when there is. Undefined: not now; also when it has waited for too long. */
  admit(size: number): Release | Promise<Release | undefined> | undefined;
}

export function turnstile(amount: number, longestWaitMillis: number): Turnstile {
  const room = budget(amount);
  let waiting: { readonly size: number; readonly enter: (release: Release | undefined) => void } | undefined;
  const admit = (size: number): Release | undefined => {
    const release = room.admit(size);
    if (release === undefined) return undefined;
    return () => {
      release();
      if (waiting !== undefined && room.hasRoom(waiting.size)) waiting.enter(admit(waiting.size));
    };
  };
  return {
    isTaken: () => waiting !== undefined,
    admit(size) {
      if (waiting !== undefined) return undefined;
      return (
        admit(size) ??
        new Promise((resolve) => {
          const enter = (release: Release | undefined) => {
            waiting = undefined;
            clearTimeout(timer);
            resolve(release);
          };
          const timer = setTimeout(enter, longestWaitMillis, undefined);
          waiting = { size, enter };
        })
      );
    },
  };
}
