import { posix } from 'node:path';
import type { SourceFile } from './source-files.ts';

export interface Import {
  /** The importing file, from the root of the repository. */
  readonly from: string;
  readonly line: number;
  /** A file, from the root of the repository; a package (`@temporalio/client`); or `node:fs`. */
  readonly to: string;
  readonly kind: 'file' | 'package';
  /** `import type` and `typeof import()` are gone when the program runs. */
  readonly typeOnly: boolean;
}

/**
 * `import … from 'x'`, `export … from 'x'`, `import 'x'`: statements, which the formatter keeps at the start of a
 * line. `import { type A } from 'x'` loads x (verbatimModuleSyntax), so only `import type` counts as types.
 */
const STATEMENT =
  /^(?:import|export)\b(?:\s+(type)\b(?=\s*[{*\w])(?!\s+from\s*['"]))?(?:[^'"`;()=]*?\bfrom)?\s*(['"])([^'"\n]+)\2/gm;
const EXPRESSION = /(typeof\s+)?\bimport\(\s*(?:\/\*[^*]*\*\/\s*)?(['"])([^'"\n]+)\2/g;

/** The imports of one file, in order of their lines. */
export function importsOf({ path, text }: SourceFile): readonly Import[] {
  return [STATEMENT, EXPRESSION]
    .flatMap((pattern) => [...text.matchAll(pattern)])
    .toSorted((a, b) => a.index - b.index)
    .flatMap(({ 1: type, 3: target, index }): Import[] =>
      target === undefined
        ? []
        : [
            {
              from: path,
              line: text.slice(0, index).split('\n').length,
              ...resolve(path, target),
              typeOnly: type !== undefined,
            },
          ],
    );
}

function resolve(from: string, target: string): Pick<Import, 'to' | 'kind'> {
  if (target.startsWith('.')) return { to: posix.join(posix.dirname(from), target), kind: 'file' };
  if (target.startsWith('node:')) return { to: target, kind: 'package' };
  return {
    to: target
      .split('/')
      .slice(0, target.startsWith('@') ? 2 : 1)
      .join('/'),
    kind: 'package',
  };
}

/**
 * One circle for each knot of files that import each other, be it types: `a -> b -> a`, the shortest through its first
 * file.
 */
export function cyclesOf(imports: readonly Import[]): readonly (readonly string[])[] {
  const targets = new Map<string, string[]>();
  for (const { from, to, kind } of imports) {
    if (kind === 'file') targets.set(from, [...(targets.get(from) ?? []), to]);
  }
  const cycles: string[][] = [];
  const told = new Set<string>();
  for (const start of [...targets.keys()].toSorted()) {
    if (told.has(start)) continue;
    const cycle = shortestCycle(start, targets);
    if (cycle === undefined) continue;
    cycles.push(cycle);
    for (const file of cycle) told.add(file);
  }
  return cycles;
}

function shortestCycle(start: string, targets: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const cameFrom = new Map<string, string>();
  let edge = [start];
  while (edge.length > 0) {
    const next: string[] = [];
    for (const file of edge) {
      for (const target of targets.get(file) ?? []) {
        if (target === start) return [...wayTo(file, start, cameFrom), start];
        if (cameFrom.has(target)) continue;
        cameFrom.set(target, file);
        next.push(target);
      }
    }
    edge = next;
  }
  return undefined;
}

function wayTo(file: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [file];
  for (let at = file; at !== start; ) {
    at = cameFrom.get(at) ?? start;
    way.unshift(at);
  }
  return way;
}
