import type { CodeBlock } from './code-blocks.ts';

export interface ShellCommand {
  /** `README.md:12`, for messages. */
  readonly where: string;
  /** The variables set before it: `TIDEMARK_HOME=x npm start`. */
  readonly variables: readonly string[];
  /** Without quotes; never empty. */
  readonly words: readonly string[];
}

/** An operator ends a command; a redirection and its file are left out. */
const TOKEN =
  /(?<space>[ \t]+|\\\n)|(?<comment>(?<=^|\s)#[^\n]*)|(?<end>&&|\|\|?|;|&(?!>)|\n)|(?<redirect>\d?(?:>>?|<)(?:&\d|[ \t]*[^\s;|&]+))|(?<word>(?:'[^']*'|"(?:\\.|[^"\\])*"|\$\([^)]*\)|\\[^\n]|[^\s;|&<>'"\\])+)/gy;

/** The commands of a block of shell lines, as far as documents need: quotes over lines, `\`, `&&`, pipes, `$ ` prompts. */
export function shellCommands(block: CodeBlock): readonly ShellCommand[] {
  const text = block.text.replaceAll(/^\$ /gm, '  ');
  const commands: ShellCommand[] = [];
  let words: string[] = [];
  let line = 0;
  const end = () => {
    const first = words.findIndex((word) => !/^[A-Z_][A-Z0-9_]*=/.test(word));
    const variables = words.slice(0, first === -1 ? words.length : first).map(nameOf);
    const rest = words.slice(variables.length);
    if (words.length > 0) {
      const where = `${block.document}:${line}`;
      commands.push({ where, variables, words: rest.length > 0 ? rest : ['export'] });
    }
    words = [];
  };
  let read = 0;
  for (const { index, 0: token, groups = {} } of text.matchAll(TOKEN)) {
    read = index + token.length;
    if (groups.end !== undefined) end();
    if (groups.word === undefined) continue;
    if (words.length === 0) line = block.line + text.slice(0, index).split('\n').length;
    words.push(unquoted(token));
  }
  end();
  if (read < text.length) {
    throw new Error(`Cannot read the commands at ${block.document}:${block.line}: a quote is not closed.`);
  }
  return commands;
}

export function nameOf(assignment: string): string {
  return assignment.slice(0, assignment.indexOf('='));
}

function unquoted(word: string): string {
  return word.replaceAll(
    /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/gs,
    (_all, single?: string, double?: string, escaped?: string) =>
      single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? escaped ?? '',
  );
}
