import { describe, expect, test } from 'vitest';
import { cyclesOf, type Import, importsOf } from './import-graph.ts';
import { LAYERS } from './layers.ts';
import { isTest, sourceFiles, subfolders } from './source-files.ts';

/**
 * The house of ARCHITECTURE.md, checked on the imports as they are. The arrows stand in `layers.ts`. Tests may import
 * anything, and nothing may import a test.
 */
const BARRELS = ['src/index.ts', /* the bundle of a worker needs one entry */ 'workflows/index.ts'];
const CODE = ['src', 'workflows', 'activities'] as const;
const FOLDERS = [...CODE, 'test', 'bench', 'feature_repo'] as const;
const MOST_LINES = 300;

const code = sourceFiles(...CODE);
const modules = code.filter(({ path }) => !isTest(path));
const imports = modules.flatMap(importsOf);

test('there is a graph to look at', () => {
  expect(modules.length).toBeGreaterThan(100);
  expect(imports.length).toBeGreaterThan(500);
});

describe('the arrows', () => {
  test('point the only way they may', () => {
    expect(imports.filter((found) => !isAllowed(found)).map(told)).toEqual([]);
  });

  test('start in a layer of the table, whatever the file', () => {
    const homeless = modules.map(({ path }) => path).filter((path) => layerOf(path) === undefined);
    expect(homeless, 'say which line of the house it belongs to').toEqual([]);
  });

  test('lead to adapters from where they are picked, and from other adapters, alone', () => {
    const isAdapter = (path: string) =>
      /^src\/\w+\/(postgres|duckdb|redis|memory|sinks)\//.test(path) &&
      path !== 'src/monitor/sinks/alert-sink.ts';
    const wrong = imports.filter(
      ({ from, to }) => isAdapter(to) && !isAdapter(from) && from !== 'src/compose.ts',
    );
    expect(wrong.map(told)).toEqual([]);
  });

  test('make no circle in the table itself', () => {
    const arrows = Object.entries(LAYERS).flatMap(([from, allowed]) =>
      allowed
        .filter((entry) => !entry.startsWith('type '))
        .map((entry) => layerOf(entry) ?? entry)
        .filter((to) => to !== from)
        .map((to): Import => ({ from, to, line: 0, kind: 'file', typeOnly: false })),
    );
    expect(cyclesOf(arrows).map((cycle) => cycle.join(' -> '))).toEqual([]);
  });

  test('make no circle of files that import each other, in no folder, be it types', () => {
    expect(cyclesOf(sourceFiles(...FOLDERS).flatMap(importsOf)).map((cycle) => cycle.join(' -> '))).toEqual(
      [],
    );
  });

  test('never point at the CLI, at a test or at test support', () => {
    const wrong = imports.filter(
      ({ from, to }) =>
        (to.startsWith('src/cli/') && !from.startsWith('src/cli/')) || isTest(to) || to.startsWith('test/'),
    );
    expect(wrong.map(told)).toEqual([]);
  });

  test('lead from a workflow to nothing that is not deterministic, however far', () => {
    const loaded = reachable(modules.map(({ path }) => path).filter((path) => layerOf(path) === 'workflows'));
    const outside = imports.filter(
      ({ from, to, kind, typeOnly }) =>
        kind === 'package' &&
        !typeOnly &&
        loaded.has(from) &&
        !['@temporalio/workflow', 'cron-parser'].includes(to),
    );
    expect(outside.map(told)).toEqual([]);
  });
});

describe('files', () => {
  const files = sourceFiles(...FOLDERS);

  test('have names in kebab-case', () => {
    expect(
      files
        .map(({ path }) => path)
        .filter((path) => !/\/[a-z0-9]+(-[a-z0-9]+)*(\.(test|test-d|d))?\.ts$/.test(path)),
    ).toEqual([]);
  });

  test('are in folders that say what belongs there', () => {
    const vague = subfolders(...FOLDERS).filter((path) => /\/(utils?|helpers?|common|misc|lib)$/.test(path));
    expect(vague).toEqual([]);
  });

  test('have no default export', () => {
    const found = files.filter(({ text }) => /^export (default\b|\{[^}]*\bas default\b)/m.test(text));
    expect(found.map(({ path }) => path)).toEqual([]);
  });

  test('are not barrels, but for the public one and the entry of the bundle of workflows', () => {
    const barrels = files.filter(({ path, text }) => path.endsWith('/index.ts') || isBarrel(text));
    expect(barrels.map(({ path }) => path).filter((path) => !BARRELS.includes(path))).toEqual([]);
  });

  test('export nothing that no file names a second time', () => {
    const names = new Map<string, number>();
    for (const { text } of files)
      for (const [name] of text.matchAll(/\w+/g)) names.set(name, (names.get(name) ?? 0) + 1);
    const EXPORT = /^export (?:async )?(?:function\*?|const|interface|type|class) (\w+)/gm;
    const unused = modules.flatMap(({ path, text }) =>
      [...text.matchAll(EXPORT)]
        .filter(([, name = '']) => names.get(name) === 1)
        .map(([, name]) => `${path}: ${name}`),
    );
    expect(unused).toEqual([]);
  });

  test(`have at most ${MOST_LINES} lines`, () => {
    const long = code
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > MOST_LINES);
    expect(long.map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([]);
  });
});

function layerOf(path: string): string | undefined {
  return Object.keys(LAYERS)
    .filter((layer) => path === layer || path.startsWith(`${layer}/`))
    .toSorted((a, b) => b.length - a.length)[0];
}

function isAllowed({ from, to, kind, typeOnly }: Import): boolean {
  const layer = layerOf(from);
  if (layer === undefined) return true; // another test tells
  const target = kind === 'file' ? layerOf(to) : to.startsWith('node:') ? 'node:*' : to;
  if (target === layer) return true;
  return (LAYERS[layer] ?? []).some((entry) => {
    const name = entry.replace(/^type /, '');
    return (name === target || name === to) && (typeOnly || name === entry);
  });
}

function reachable(starts: readonly string[]): ReadonlySet<string> {
  const seen = new Set(starts);
  for (const file of seen) {
    for (const { from, to, kind, typeOnly } of imports) {
      if (from === file && kind === 'file' && !typeOnly) seen.add(to);
    }
  }
  return seen;
}

/** Whether there is nothing in a file but what it passes on from others. */
function isBarrel(text: string): boolean {
  const rest = text
    .replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    .replaceAll(/^export\s[^'"`;()=]*?\bfrom\s*(['"])[^'"\n]+\1;?/gm, '');
  return text.trim() !== '' && rest.trim() === '';
}

function told({ from, line, to, typeOnly }: Import): string {
  return `${from}:${line} imports ${typeOnly ? 'types of ' : ''}${to}`;
}
