import type { DuckDBConnection } from '@duckdb/node-api';
import { stringLiteral } from '../sql-text.ts';

/** What a parser says of a text: a sentence without a full stop, and at which character it stopped, from 0. */
export interface ParserError {
  readonly said: string;
  /** Undefined where the parser does not say it. */
  readonly at: number | undefined;
}

/**
 * A parser's sentence with its place in the text that the user wrote, and what to do where a column's name is a word of
 * SQL: the parser only tells that it met it, or what comes after it, where that word has no meaning.
 * `columnsOf` gives the names that the text may use.
 */
export async function syntaxReason(
  connection: DuckDBConnection,
  text: string,
  { said, at }: ParserError,
  columnsOf: () => Promise<readonly string[]>,
): Promise<string> {
  if (at === undefined) return said;
  const name = await wordForName(connection, text, at, columnsOf);
  return `${atPlace(said, text, at)}${name === undefined ? '' : `: ${adviceFor(name)}`}`;
}

/** The one word that the parser takes where a column stands, and of which nothing is told but when it is used. */
export const DEFAULT_FOR_NAME = `DEFAULT is no value there: ${adviceFor('default')}`;

/** `syntax error at or near "FROM" (line 2, character 10)`; what follows the text is not the user's. */
export function atPlace(said: string, text: string, at: number): string {
  const characters = [...text.trimEnd()];
  if (at >= characters.length) return said.replace(/ at (or near .*|end of input)$/s, ' at its end');
  // Empty lines before the first, as a template has one, are none that people count.
  const skipped = /^(\s*\n)?/.exec(text)?.[0].length ?? 0;
  const lines = characters.slice(skipped, at).join('').split('\n');
  return `${said} (line ${lines.length}, character ${[...(lines.at(-1) ?? '')].length + 1})`;
}

function adviceFor(word: string): string {
  return `"${word}" is a word of SQL, and the column of that name is written "${word}", in double quotes`;
}

/** The word at a place, or else the one before it, if it is a word of SQL and a column is called so. */
async function wordForName(
  connection: DuckDBConnection,
  text: string,
  at: number,
  columnsOf: () => Promise<readonly string[]>,
): Promise<string | undefined> {
  const characters = [...text];
  const here = /^\w+/.exec(characters.slice(at).join(''))?.[0];
  const before = /(\w+)\s*$/.exec(characters.slice(0, at).join(''))?.[1];
  const words = [here, before].filter((word) => word !== undefined).map((word) => word.toLowerCase());
  if (words.length === 0) return undefined;
  const found = await connection.runAndReadAll(
    `SELECT keyword_name FROM duckdb_keywords() WHERE keyword_name IN (${words.map(stringLiteral).join(', ')})`,
  );
  const keywords = found.getRows().map(([word]) => String(word));
  if (keywords.length === 0) return undefined;
  const columns = await columnsOf();
  return words
    .filter((word) => keywords.includes(word))
    .flatMap((word) => columns.find((column) => column.toLowerCase() === word) ?? [])[0];
}
