import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, type Problem } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { exportsOfTidemark } from './resolve-tidemark.ts';

/**
 * A file that cannot be imported as a problem: where it went wrong, which may be a file that `file` imports, with
 * the line when the error tells one, and why in one sentence.
 */
export async function importFailure(dir: string, file: string, error: unknown): Promise<Problem> {
  const place = error instanceof Error ? placeInRepo(dir, error.stack ?? '') : undefined;
  const where = place === undefined ? file : `${place.file}, line ${place.line}`;
  const reason = firstLine(messageOf(error)).replaceAll(`${dir}/`, '');
  const missing = MISSING_EXPORT.exec(reason);
  if (missing !== null) return { where, message: await missingExport(missing) };
  const verb =
    error instanceof SyntaxError ? 'cannot be read as TypeScript' : 'cannot be imported, it throws';
  return { where, message: `${verb}: ${reason}` };
}

/** The words of V8. */
const MISSING_EXPORT = /^The requested module '(.+)' does not provide an export named '(.+)'$/;

/** A type that is imported as a value is missing too: types are gone when a file runs. */
async function missingExport([, module = '', name = '']: RegExpExecArray): Promise<string> {
  const meant = module === 'tidemark' ? didYouMean(name, await exportsOfTidemark()) : '';
  return `imports "${name}" from '${module}', which exports no value of that name (types take "import type").${meant}`;
}

/** The first `path:line` of a stack that lies in the repository; paths may be file URLs. */
function placeInRepo(dir: string, stack: string): { file: string; line: number } | undefined {
  for (const [, path, line] of stack.matchAll(/((?:file:\/\/)?\/[^\s():]+):(\d+)/g)) {
    if (path === undefined) continue;
    const file = relative(dir, path.startsWith('file://') ? fileURLToPath(path) : path);
    if (!file.startsWith('..')) return { file, line: Number(line) };
  }
  return undefined;
}

function firstLine(text: string): string {
  return (
    text
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? 'no reason given'
  );
}
