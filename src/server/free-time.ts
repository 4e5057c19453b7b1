/** No turn of the event loop is expected to take longer. */
const LONGEST_TURN_MILLIS = 30;

/**
 * Counts the milliseconds in which this process was free to look at what comes, asked once in each turn of its event
 * loop. One that was busy for a second has not looked meanwhile: what has come waits in the system, and whoever
 * sent it has not been idle.
 */
export function freeTime(): () => number {
  let free = 0;
  let last = performance.now();
  return () => {
    const now = performance.now();
    free += Math.min(now - last, LONGEST_TURN_MILLIS);
    last = now;
    return free;
  };
}
