import { createHash } from 'node:crypto';

/**
 * SHA-256 in hex of what a function says: its text without comments and as if nobody had formatted it. Types do not
 * count, as they are gone when it runs. What it calls or reads elsewhere (helpers, constants) is not in it.
 *
 * Two texts with one digest do the same. The other way round it is enough that formatters make no new digest: line
 * breaks, blanks, quotes, commas and semicolons before a closing bracket, brackets around one arrow parameter.
 */
export function functionDigest(transform: (...args: never[]) => unknown): string {
  return createHash('sha256')
    .update(plainTokens(String(transform)).join('\n'))
    .digest('hex');
}

/** Not keywords alone: all after which a `/` begins a regular expression. */
const BEFORE_REGEX =
  /^(?:return|typeof|case|in|of|delete|void|throw|new|do|else|instanceof|yield|await|[^\w$)\]}"'`]+)$/;
/** A line break after these ends the statement. */
const ENDED_BY_LINE = /^(?:return|break|continue|throw|yield|async)$/;

const TOKEN = new RegExp(
  [
    String.raw`(?<blank>\s+|\/\/[^\n]*|\/\*[^]*?\*\/)`,
    String.raw`(?<text>"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*')`,
    String.raw`(?<number>\.?\d[\w.]*)`,
    String.raw`(?<word>[\w$#\u0080-\uffff]+)`,
    String.raw`(?<sign>\.{3}|=>|\+\+|--|\*\*=?|&&=?|\|\|=?|\?\?=?|\?\.|[=!]==?|<<=?|>>>?=?|[-+*%&|^<>]=?|[^])`,
  ].join('|'),
  'uy',
);
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/uy;

function plainTokens(source: string): readonly string[] {
  const tokens: string[] = [];
  let at = 0;
  let broken = false;
  const add = (token: string) => {
    // Where a line break says something, it is a token.
    const before = tokens.at(-1) ?? '';
    if (broken && (ENDED_BY_LINE.test(before) || token === '++' || token === '--')) tokens.push('\\n');
    broken = false;
    if (/^[)\]}]$/.test(token)) dropLast(tokens, token);
    tokens.push(token);
    if (token === '=>') unbracketParameter(tokens);
  };
  while (at < source.length) {
    const regex =
      source[at] === '/' && !/^\/[/*]/.test(source.slice(at, at + 2)) ? regexAt(source, at, tokens) : null;
    const token = source[at] === '`' ? templateAt(source, at) : (regex ?? undefined);
    if (token !== undefined) {
      add(token);
      at += token.length;
      continue;
    }
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(source);
    if (found === null) break;
    at = TOKEN.lastIndex;
    const { blank, text } = found.groups ?? {};
    if (blank !== undefined) broken ||= blank.includes('\n');
    else add(text === undefined ? found[0] : sameQuotes(text));
  }
  return tokens;
}

function regexAt(source: string, at: number, tokens: readonly string[]): string | null {
  const before = tokens.at(-1);
  if (before !== undefined && !BEFORE_REGEX.test(before)) return null;
  REGEX.lastIndex = at;
  return REGEX.exec(source)?.[0] ?? null;
}

/** Up to its closing backtick, with what stands in its braces as it is written. */
function templateAt(source: string, start: number): string {
  let depth = 0;
  for (let at = start + 1; at < source.length; at += 1) {
    const char = source[at];
    if (char === '\\') at += 1;
    else if (char === '$' && source[at + 1] === '{') {
      depth += 1;
      at += 1;
    } else if (depth > 0 && char === '{') depth += 1;
    else if (depth > 0 && char === '}') depth -= 1;
    else if (char === '`' && depth > 0) at += templateAt(source, at).length - 1;
    else if (char === '`') return source.slice(start, at + 1);
  }
  return source.slice(start);
}

/** `[1,]` is `[1]`, and `{ a; }` is `{ a }`; `[,]` is not `[]`. */
function dropLast(tokens: string[], closing: string): void {
  const last = tokens.at(-1);
  if (last === ';' && closing === '}') tokens.pop();
  else if (last === ',' && !/^[[,]$/.test(tokens.at(-2) ?? '')) tokens.pop();
}

function unbracketParameter(tokens: string[]): void {
  const [open, name = '', close] = tokens.slice(-4, -1);
  if (open !== '(' || close !== ')' || !/^[A-Za-z_$][\w$]*$/.test(name)) return;
  tokens.splice(-4, 4, name, '=>');
}

/** With nothing to escape in it, both kinds of quotes say the same. */
function sameQuotes(text: string): string {
  return /["'\\]/.test(text.slice(1, -1)) ? text : `"${text.slice(1, -1)}"`;
}
