/** After so long a text is said again: what still goes wrong then is news. */
const FORGET_MILLIS = 10 * 60_000;

/** Texts kept; the oldest is forgotten first. */
const KEPT = 1_000;

/** Says a text once, however often its cause is retried. `now` in milliseconds. */
export function sayOnce(say: (text: string) => void, now: () => number): (text: string) => void {
  const said = new Map<string, number>();
  return (text) => {
    const at = said.get(text);
    const time = now();
    if (at !== undefined && time - at < FORGET_MILLIS) return;
    said.delete(text);
    said.set(text, time);
    const [oldest] = said.keys();
    if (said.size > KEPT && oldest !== undefined) said.delete(oldest);
    say(text);
  };
}
