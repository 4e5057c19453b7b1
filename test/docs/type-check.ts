import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type CodeBlock, ROOT } from './code-blocks.ts';

/** Inside the package, so that `tidemark` resolves to it as it does for a user. */
const CACHE = join(ROOT, 'node_modules/.cache/tidemark/docs');

/**
 * What is wrong with blocks of TypeScript, by document and line.
 *
 * A block with the name of a file of the repository (```` ```ts feature_repo/flights/views.ts ````) must be a part of
 * that file as it stands. Any other is compiled: with a title (```` ```ts views.ts ````) it can be imported under that
 * name by the other blocks of its document, without one it stands alone.
 */
export async function typeScriptProblems(blocks: readonly CodeBlock[]): Promise<readonly string[]> {
  const quoted = blocks.filter(({ title }) => title !== null && existsSync(join(ROOT, title)));
  const own = blocks.filter((block) => !quoted.includes(block));
  return [...quoted.flatMap(quoteProblems), ...(await compileProblems(own))];
}

function quoteProblems({ document, line, title, text }: CodeBlock): readonly string[] {
  const file = readFileSync(join(ROOT, title ?? ''), 'utf8');
  return file.includes(text.trim())
    ? []
    : [`${document}:${line}: this is not a part of ${title} as it stands`];
}

async function compileProblems(blocks: readonly CodeBlock[]): Promise<readonly string[]> {
  if (blocks.length === 0) return [];
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(realpathSync(CACHE), 'run-'));
  try {
    const places = new Map<string, string>();
    for (const block of blocks) {
      const name = block.title ?? `line-${block.line}.ts`;
      const file = `${block.document.replace(/\.md$/, '')}/${name}`;
      if (!/^[\w-][\w./-]*\.ts$/.test(name) || name.includes('..')) {
        return [`${block.document}:${block.line}: "${name}" is not the name of a .ts file`];
      }
      if (places.has(file)) return [`${block.document}:${block.line}: there are two blocks named ${name}`];
      places.set(file, block.document);
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      // Lines are numbered as in the document.
      writeFileSync(join(folder, file), '\n'.repeat(block.line) + block.text);
    }
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(ROOT, 'tsconfig.json'),
        // An example may define what only its reader will use.
        compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
        include: ['**/*.ts'],
        exclude: [],
      }),
    );
    return readable(await compile(folder), places);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function compile(folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [join(ROOT, 'node_modules/typescript/bin/tsc'), '--noEmit', '--pretty', 'false', '-p', folder],
      { cwd: folder },
      (error, stdout, stderr) => {
        if (error !== null && stdout.trim() === '')
          reject(new Error(`tsc failed: ${stderr}`, { cause: error }));
        else resolve(stdout);
      },
    );
  });
}

/** `docs/guide/line-3.ts(5,7): error …` becomes `docs/guide.md:5:7: error …`. */
function readable(output: string, places: ReadonlyMap<string, string>): readonly string[] {
  return output
    .split(/\n(?!\s)/)
    .filter((message) => message.trim() !== '')
    .map((message) =>
      message.replace(/^(.+?)\((\d+),(\d+)\)/, (_all, file: string, line: string, column: string) => {
        return `${places.get(file) ?? file}:${line}:${column}`;
      }),
    );
}
