import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The commit that a folder's definitions come from, for the registry's history; with `-dirty` when the folder holds
 * changes that are not committed, and null outside of a git checkout or without git.
 */
export async function gitCommit(dir: string): Promise<string | null> {
  try {
    const head = (await run('git', ['-C', dir, 'rev-parse', '--verify', 'HEAD'])).stdout.trim();
    const changes = (await run('git', ['-C', dir, 'status', '--porcelain', '--', '.'])).stdout.trim();
    return changes === '' ? head : `${head}-dirty`;
  } catch {
    return null;
  }
}
