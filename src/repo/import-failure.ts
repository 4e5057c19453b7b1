import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, type Problem } from '../core/errors.ts';

/**
 * A file that cannot be imported as a problem: where it went wrong, which may be a file that `file` imports, with
 * the line when the error tells one, and why in one sentence.
 */
export function importFailure(dir: string, file: string, error: unknown): Problem {
  const place = error instanceof Error ? placeInRepo(dir, error.stack ?? '') : undefined;
  const where = place === undefined ? file : `${place.file}, line ${place.line}`;
  const reason = firstLine(messageOf(error)).replaceAll(`${dir}/`, '');
  const verb =
    error instanceof SyntaxError ? 'cannot be read as TypeScript' : 'cannot be imported, it throws';
  return { where, message: `${verb}: ${reason}` };
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
