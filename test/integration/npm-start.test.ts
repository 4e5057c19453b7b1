import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test, vi } from 'vitest';
import { isThere } from '../support/is-there.ts';

/** As `npm start` does it: npm, the shell it runs the script in, the script, and the command in the script's place. */
const bin = (file: string) => pathToFileURL(`${import.meta.dirname}/../../bin/${file}`).href;
const COMMAND = 'console.log(process.pid); setInterval(() => {}, 1000);';
const SCRIPT = `
  import { endWithParent } from '${bin('end-with-parent.mjs')}';
  import { runInPlace } from '${bin('pinned-node.mjs')}';
  endWithParent();
  process.exitCode = await runInPlace(process.execPath, ['-e', process.env.COMMAND]);
`;
const left = new Set<number>();

afterAll(() => {
  for (const pid of left) if (isThere(pid)) process.kill(pid, 'SIGKILL');
});

/** A shell that runs the script and stays in front of it; the command's process id. */
async function started(env: Readonly<Record<string, string>>) {
  const shell = spawn('sh', ['-c', '"$NODE" --input-type=module -e "$SCRIPT"; exit $?'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { NODE: process.execPath, SCRIPT, COMMAND, ...env },
  });
  const [said] = await once(shell.stdout, 'data');
  const command = Number(String(said));
  left.add(command);
  return { shell, command };
}

test('the command of `npm start` ends when the shell of npm has ended without telling it', async () => {
  const { shell, command } = await started({ npm_lifecycle_event: 'start' });
  shell.kill('SIGTERM');
  await once(shell, 'exit');
  await vi.waitFor(() => expect(isThere(command)).toBe(false), { timeout: 30_000 });
});

test('started by hand it stays when the shell has gone', async () => {
  const { shell, command } = await started({});
  shell.kill('SIGTERM');
  await once(shell, 'exit');
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(isThere(command)).toBe(true);
});
