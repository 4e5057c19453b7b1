import { type Clock, type Micros, micros } from '../core/time.ts';

/** A clock that never tells one time twice: of two pushes received in one moment, one is the later. */
export function receiptClock(clock: Clock): Clock {
  let last: Micros | undefined;
  return () => {
    const now = clock();
    last = last === undefined || now > last ? now : micros(last + 1n);
    return last;
  };
}
