import { createHash } from 'node:crypto';

/**
 * SHA-256 in hex of what a function says: its text without comments and as if nobody had formatted it. Types do not
 * count, as they are gone when it runs. What it calls or reads elsewhere (helpers, constants) is not in it.
 *
 * Texts with one digest are meant to do the same, as far as tokens tell: nothing is parsed, and of what cannot be told
 * apart the blanks count too. Native and bound functions show no text; those of one name have one digest, whatever they
 * do. The other way round it is enough that formatters make no new digest: line breaks, blanks, quotes, commas and
 * semicolons before a closing bracket, brackets around one arrow parameter.
 */
export function functionDigest(transform: (...args: never[]) => unknown): string {
  const known = digests.get(transform);
  if (known !== undefined) return known;
  const digest = createHash('sha256')
    .update(plainTokens(String(transform)).join('\n'))
    .digest('hex');
  digests.set(transform, digest);
  return digest;
}

/** A function never changes its text, and a server is asked for it at every look at its health. */
const digests = new WeakMap<(...args: never[]) => unknown, string>();

/** Not keywords alone: all after which a `/` begins a regular expression; but for what `slashAfter` looks at before. */
const BEFORE_REGEX =
  /^(?:return|typeof|case|in|delete|void|throw|new|do|else|instanceof|yield|await|[^\w$)\]}"'`]+)$/;
/** The end of a block or of a value; a keyword or a name. */
const UNCLEAR = /^(?:\}|of)$/;
const HEAD = /^(?:if|while|for|with)$/;
const LINE_BREAK = '\\n';
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
    if (broken && (ENDED_BY_LINE.test(before) || token === '++' || token === '--')) tokens.push(LINE_BREAK);
    broken = false;
    if (/^[)\]}]$/.test(token)) dropLast(tokens, token);
    tokens.push(token);
    if (token === '=>') unbracketParameter(tokens);
  };
  while (at < source.length) {
    const isSlash = source[at] === '/' && !/^\/[/*]/.test(source.slice(at, at + 2));
    const token =
      source[at] === '`' ? templateAt(source, at) : isSlash ? slashAt(source, at, tokens) : undefined;
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

/** A regular expression; undefined when the slash divides; all of the rest as it is written when nobody can tell. */
function slashAt(source: string, at: number, tokens: readonly string[]): string | undefined {
  const meaning = slashAfter(tokens);
  if (meaning === 'unclear') return source.slice(at);
  REGEX.lastIndex = at;
  return meaning === 'regex' ? REGEX.exec(source)?.[0] : undefined;
}

function slashAfter(tokens: readonly string[]): 'regex' | 'division' | 'unclear' {
  const [before = '', last] = [tokens.at(-2), tokens.at(-1)];
  if (last === undefined) return 'regex';
  // A keyword that is a key, or a regular expression.
  if (before === '.' || before === '?.' || /^\/./.test(last)) return 'division';
  if (last === ')') return closesHead(tokens) ? 'regex' : 'division';
  // They belong to what is before them where that is a value.
  if (last === '++' || last === '--')
    return before === LINE_BREAK ? 'regex' : slashAfter(tokens.slice(0, -1));
  if (UNCLEAR.test(last)) return 'unclear';
  return BEFORE_REGEX.test(last) ? 'regex' : 'division';
}

/** Whether the last bracket is that of `if (…)` and the like, after which a statement begins. */
function closesHead(tokens: readonly string[]): boolean {
  let depth = 0;
  for (let at = tokens.length - 1; at >= 0; at -= 1) {
    if (tokens[at] === ')') depth += 1;
    if (tokens[at] === '(') depth -= 1;
    if (depth > 0) continue;
    const [before = '', word = ''] = [tokens[at - 2], tokens[at - 1]];
    return (HEAD.test(word) && !/^\??\.$/.test(before)) || (word === 'await' && before === 'for');
  }
  return false;
}

/** Up to its closing backtick, with what stands in its braces as it is written. */
function templateAt(source: string, start: number): string {
  let depth = 0;
  for (let at = start + 1; at < source.length; at += 1) {
    const char = source[at];
    if (char === '\\') at += 1;
    else if (depth > 0 && (char === '"' || char === "'")) at += textAt(source, at).length - 1;
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

function textAt(source: string, at: number): string {
  TOKEN.lastIndex = at;
  return TOKEN.exec(source)?.[0] ?? '';
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
