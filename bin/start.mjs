// `npm start` and `npm test`: installs the packages when they are missing or are not those of package-lock.json,
// then runs the demo (or the tests) with the Node of package.json. Plain JavaScript for any Node >= 20.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { endWithParent } from './end-with-parent.mjs';
import { nodeForTypeScript, root, runInPlace } from './pinned-node.mjs';

const [command, ...rest] = process.argv.slice(2);

endWithParent();
await installWhenNeeded();
const node = nodeForTypeScript();
process.exitCode =
  command === 'test'
    ? await runInPlace(node, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...rest], { cwd: root })
    : await runInPlace(node, [join(root, 'bin/tidemark'), 'dev', ...process.argv.slice(2)], { cwd: root });

async function installWhenNeeded() {
  const reason = whyInstall();
  if (reason === null) return;
  const hasLock = existsSync(join(root, 'package-lock.json'));
  const args = [hasLock ? 'ci' : 'install', '--include=dev', '--include=optional', '--loglevel=error'];
  console.log(`Installing packages (${reason}): npm ${args[0]}. This takes about a minute.`);
  // Under `npm start`, the npm that runs this; it may not be on PATH.
  const npm = process.env.npm_execpath;
  const code = npm?.endsWith('.js')
    ? await runInPlace(process.execPath, [npm, ...args], { cwd: root })
    : await runInPlace('npm', args, { cwd: root, shell: process.platform === 'win32' });
  if (code === 0) return;
  console.error(
    `Could not install the packages (npm ${args[0]} ended with ${code}); the reason stands above. Tidemark needs them once; check the network or the registry, then run the command again.`,
  );
  process.exit(1);
}

/** Null when every package of package-lock.json is there in its version; those for other platforms may be absent. */
function whyInstall() {
  const installed = readLock(join(root, 'node_modules/.package-lock.json'));
  if (installed === null) return 'there are none yet';
  const wanted = readLock(join(root, 'package-lock.json'));
  for (const [path, { version, optional, devOptional, link }] of Object.entries(wanted ?? {})) {
    if (path === '' || link) continue;
    const found = installed[path];
    if (found === undefined && (optional || devOptional)) continue;
    if (found?.version !== version || !existsSync(join(root, path)))
      return `${path.replace(/^.*node_modules\//, '')} ${version} is missing`;
  }
  return null;
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
  } catch {
    return null;
  }
}
