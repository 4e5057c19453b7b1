import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, TidemarkError } from '../core/errors.ts';
import type { DevHooks, DevHooksInput } from '../define/dev-hooks.ts';

/** The hooks of a repository's `dev.ts`; none without that file. */
export async function loadDevHooks(dir: string): Promise<DevHooksInput> {
  const file = join(dir, 'dev.ts');
  if (!existsSync(file)) return {};
  let module: Readonly<Record<string, unknown>>;
  try {
    module = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new TidemarkError('DEFINITION_INVALID', `Cannot load dev.ts: ${messageOf(cause)}`, { cause });
  }
  return Object.values(module).find(isDevHooks)?.config ?? {};
}

function isDevHooks(value: unknown): value is DevHooks {
  return value !== null && typeof value === 'object' && 'kind' in value && value.kind === 'dev_hooks';
}
