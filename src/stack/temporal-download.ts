import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { Progress } from './server.ts';
import type { Fetched } from './wheel.ts';

/**
 * The last resort: the SDK's testing package downloads the Temporal CLI from its makers. It can only do so while
 * starting a server, which is ended at once; the binary stays.
 */
export async function fetchTemporalFromSdk(cache: string, onProgress: Progress): Promise<Fetched> {
  const path = join(cache, 'temporal-sdk');
  if (existsSync(path)) return { ok: true, path };
  const testing = await import('@temporalio/testing').catch(() => null);
  if (testing === null)
    return {
      ok: false,
      reason: 'the npm package @temporalio/testing, which can download it, is not installed',
    };
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'download-'));
  try {
    onProgress('Downloading the Temporal CLI with the Temporal SDK.');
    const environment = await testing.TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'cached-download', downloadDir: folder } },
    });
    await environment.teardown();
    const [name] = readdirSync(folder);
    if (name === undefined) return { ok: false, reason: 'the Temporal SDK downloaded nothing' };
    const draft = join(folder, 'temporal');
    if (name !== 'temporal') copyFileSync(join(folder, name), draft);
    chmodSync(draft, 0o755);
    renameSync(draft, path);
    return { ok: true, path };
  } catch (error) {
    // What follows the second colon repeats addresses and system messages several times over.
    const reason = messageOf(error).split(': ').slice(0, 2).join(': ');
    return { ok: false, reason: `the Temporal SDK could not download it (${reason})` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
