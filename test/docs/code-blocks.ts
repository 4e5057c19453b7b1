import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export interface Document {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** A fenced block: ```` ```ts views.ts ```` has the language `ts` and the title `views.ts`. */
export interface CodeBlock {
  readonly document: string;
  /** Of the opening fence, from 1; the first line of `text` is the next one. */
  readonly line: number;
  readonly language: string;
  readonly title: string | null;
  readonly text: string;
}

/** README.md, ARCHITECTURE.md and what is in docs/, as far as they are there. */
export function documents(): readonly Document[] {
  const docs = existsSync(join(ROOT, 'docs'))
    ? readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith('.md'))
        .map((path) => `docs/${path}`)
        .toSorted()
    : [];
  return ['README.md', 'ARCHITECTURE.md', ...docs]
    .filter((path) => existsSync(join(ROOT, path)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** In order; a block that is in a list is given without the list's indentation. */
export function codeBlocks({ path, text }: Document): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { fence: string; indent: number; line: number; info: string; lines: string[] } | undefined;
  const close = () => {
    if (open === undefined) return;
    const [language = '', title = null] = open.info.split(/\s+/);
    blocks.push({ document: path, line: open.line, language, title, text: `${open.lines.join('\n')}\n` });
    open = undefined;
  };
  for (const [index, line] of text.split('\n').entries()) {
    const [, indent = '', fence, info = ''] =
      /^(\s*(?:[-*]\s+|\d+\.\s+)?)(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== undefined)
        open = { fence, indent: indent.length, line: index + 1, info: info.trim(), lines: [] };
    } else if (fence?.startsWith(open.fence) && info.trim() === '') {
      close();
    } else {
      open.lines.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)));
    }
  }
  close();
  return blocks;
}
