import { existsSync, readFileSync, renameSync } from 'node:fs';

/** How many logs are kept besides the one that is written: a server that dies again and again tells why in the first. */
const KEPT = 5;

/** Moves the log of the server's last start to `.1`, that one to `.2`, and so on; the oldest goes. */
export function keepLog(logFile: string): void {
  for (let number = KEPT; number >= 1; number -= 1) {
    const newer = number === 1 ? logFile : `${logFile}.${number - 1}`;
    if (existsSync(newer)) renameSync(newer, `${logFile}.${number}`);
  }
}

/** Where a Go program tells why it ends; its stack follows, which says little and is long. */
const REASON = /^(panic|fatal error): /;

/** The lines of a log that tell why a server would not start: its last ones, unless it tells where the reason begins. */
export function endOf(logFile: string, lines = 8): string {
  let all: readonly string[];
  try {
    all = readFileSync(logFile, 'utf8').trimEnd().split('\n');
  } catch {
    return '';
  }
  const reason = all.findLastIndex((line) => REASON.test(line));
  return (reason < 0 ? all.slice(-lines) : all.slice(reason, reason + lines)).join('\n');
}
