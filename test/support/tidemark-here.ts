import { PassThrough } from 'node:stream';
import { main } from '../../src/cli/main.ts';
import type { TestProject } from './project.ts';

/** Runs a command of the command line in this process, on a project; `out` and `err` are what it has said. */
export async function tidemarkHere(
  args: readonly string[],
  { env, home }: Pick<TestProject, 'env' | 'home'>,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    streams[stream].on('data', (data: Buffer) => {
      said[stream] += data.toString();
    });
  }
  const code = await main(args, { env, cwd: home, streams });
  return { code, out: said.stdout, err: said.stderr };
}
