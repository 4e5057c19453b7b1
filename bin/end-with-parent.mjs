// Plain JavaScript for any Node >= 20.

const LOOK_EVERY_MILLIS = 500;

/**
 * Sends this process SIGTERM when the one that started it has gone, if it is a script that npm runs. npm passes a
 * signal on to the shell it runs the script in, and a shell may end of it without telling the script (dash does).
 * Started by hand it stays: whoever puts it in the background and leaves means it to.
 */
export function endWithParent() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const looking = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(looking);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_EVERY_MILLIS).unref();
}
