// Plain JavaScript for any Node >= 20: it finds the Node that can run Tidemark's TypeScript.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const PINNED = fileURLToPath(
  new URL(`../node_modules/node/bin/node${process.platform === 'win32' ? '.exe' : ''}`, import.meta.url),
);

/** Whether the Node that runs this file runs TypeScript as it is. */
export function canRunTypeScript(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

/** The Node of package.json, else this one if it is new enough; ends the process with a hint when neither is. */
export function nodeForTypeScript() {
  if (existsSync(PINNED)) return PINNED;
  if (canRunTypeScript()) return process.execPath;
  const installed = existsSync(fileURLToPath(new URL('../node_modules/node', import.meta.url)));
  console.error(
    installed
      ? `Tidemark needs Node 22.18 or newer. This is ${process.versions.node}, and the one among the packages is incomplete because install scripts were off (npm's ignore-scripts). Run: npm rebuild node --ignore-scripts=false`
      : `Tidemark needs Node 22.18 or newer. This is ${process.versions.node}, and the one among the packages is not installed yet. Run: npm ci`,
  );
  process.exit(1);
}

/** Runs a program in this one's place: same terminal, signals passed on; resolves to its exit code. */
export function runInPlace(file, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: 'inherit', ...options });
    const forward = (signal) => {
      // A terminal has sent Ctrl-C to both already, and twice would mean "at once" to the program.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    child.once('error', (error) => {
      console.error(`Cannot run ${file}: ${error.message}`);
      resolve(1);
    });
    child.once('exit', (code, signal) => {
      for (const name of signals) process.off(name, forward);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}
