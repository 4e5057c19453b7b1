import type { ExactJson } from './exact-json.ts';

const QUOTE = 34;
const BACKSLASH = 92;

/**
 * Where one object of a JSON text has a name twice: the path to it, such as `['entities', 'user_id']`. JSON.parse takes
 * the last of both without a word. `json`: what the text was parsed as. As long as it has as many members as the text
 * can have, which is told by the text's colons alone, the text is not read once more.
 */
export function repeatedName(text: string, json: ExactJson): readonly string[] | undefined {
  return mostMembers(text) === membersOf(json) ? undefined : findRepeated(text);
}

/** Colons right after a quote: of every member one, and those at the beginning of a text or after `\"`. */
function mostMembers(text: string): number {
  let count = 0;
  for (let colon = text.indexOf(':'); colon !== -1; colon = text.indexOf(':', colon + 1)) {
    let before = colon - 1;
    while (isSpace(text.charCodeAt(before))) before -= 1;
    if (text.charCodeAt(before) === QUOTE) count += 1;
  }
  return count;
}

/** Without recursion: JSON.parse takes any depth. */
function membersOf(json: ExactJson): number {
  let count = 0;
  const open: ExactJson[] = [json];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === null || typeof next !== 'object') continue;
    const items: readonly ExactJson[] = Array.isArray(next) ? next : Object.values(next);
    if (!Array.isArray(next)) count += items.length;
    for (const item of items) if (typeof item === 'object' && item !== null) open.push(item);
  }
  return count;
}

/** What is open at a place of the text: an object with the names it had so far, or a list. */
interface Open {
  readonly names: Set<string> | undefined;
  /** Of the member or element that is being read. */
  name: string;
  index: number;
}

/** `text` is valid JSON. */
function findRepeated(text: string): readonly string[] | undefined {
  const open: Open[] = [];
  for (let at = 0; at < text.length; at++) {
    const inner = open.at(-1);
    switch (text[at]) {
      case '{':
        open.push({ names: new Set(), name: '', index: 0 });
        break;
      case '[':
        open.push({ names: undefined, name: '', index: 0 });
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ',':
        if (inner !== undefined) inner.index += 1;
        break;
      case '"': {
        const end = endOfText(text, at);
        let after = end;
        while (isSpace(text.charCodeAt(after))) after += 1;
        if (text[after] === ':' && inner?.names !== undefined) {
          inner.name = JSON.parse(text.slice(at, end)) as string;
          if (inner.names.has(inner.name)) {
            return open.map(({ names, name, index }) => (names === undefined ? String(index) : name));
          }
          inner.names.add(inner.name);
        }
        at = end - 1;
      }
    }
  }
  return undefined;
}

/** The place after the quote that ends what the quote at `start` begins. */
function endOfText(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}
