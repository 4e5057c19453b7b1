import { budget, type Release } from './budget.ts';

/**
 * A budget before which one may wait, for as much room as it needs; nobody overtakes it. Of all that come while there
 * is no room, lots decide who waits, by size: those who happen to come when the place is free would have it each time.
 * So what is large has its turn too, however steadily others come, and no queue grows.
 */
export interface Turnstile {
  /** At once where there is room, else when there is. Undefined: not now; perhaps after it has waited. */
  admit(size: number): Release | Promise<Release | undefined> | undefined;
}

/** `random`: from 0 to below 1. */
export function turnstile(
  amount: number,
  longestWaitMillis: number,
  random: () => number = Math.random,
): Turnstile {
  const room = budget(amount);
  let waiting: { readonly size: number; readonly enter: (release: Release | undefined) => void } | undefined;
  /** Of all that have drawn lots for the place since it was free. */
  let drawn = 0;

  const admit = (size: number): Release | undefined => {
    const release = room.admit(size);
    if (release === undefined) return undefined;
    return () => {
      release();
      if (waiting !== undefined && room.hasRoom(waiting.size)) waiting.enter(admit(waiting.size));
    };
  };
  const wait = (size: number) =>
    new Promise<Release | undefined>((resolve) => {
      const enter = (release: Release | undefined) => {
        waiting = undefined;
        clearTimeout(timer);
        resolve(release);
      };
      const timer = setTimeout(enter, longestWaitMillis, undefined);
      waiting = { size, enter };
    });
  return {
    admit(size) {
      if (waiting === undefined) {
        drawn = size;
        return admit(size) ?? wait(size);
      }
      drawn += size;
      if (random() * drawn >= size) return undefined;
      waiting.enter(undefined);
      return wait(size);
    },
  };
}
