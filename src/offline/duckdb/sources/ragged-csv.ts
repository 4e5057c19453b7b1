import type { DuckDBConnection } from '@duckdb/node-api';
import { duckDbReason, failureKind } from '../duckdb-failure.ts';
import { stringLiteral } from '../sql-text.ts';

const DELIMITERS = [',', ';', '\t', '|'] as const;

/**
 * What is wrong with a line of a CSV file whose header names `column`, where DuckDB has found no such column: one line
 * among its first with more or fewer values than the header, and it takes all of the file for something else. Null where
 * nothing is, or the first line is no such header. `file` is as DuckDB takes it.
 */
export async function raggedLine(
  connection: DuckDBConnection,
  file: string,
  column: string,
): Promise<string | null> {
  const read = (options: string, names: readonly string[]) =>
    `read_csv(${stringLiteral(file)}, auto_detect = false, ${options}, columns = {${names.map((name) => `${name}: 'VARCHAR'`).join(', ')}})`;
  const whole = `header = false, delim = '\u001f', quote = '', escape = ''`;
  const [[line] = []] = (
    await connection.runAndReadAll(`SELECT line FROM ${read(whole, ['line'])} LIMIT 1`)
  ).getRows();
  const header = String(line ?? '').replace(/^\uFEFF/, '');
  const delimiter = DELIMITERS.find((one) => namesOf(header, one).includes(column));
  if (delimiter === undefined) return null;
  const names = namesOf(header, delimiter).map((_, at) => `c${at}`);
  const options = `header = true, delim = ${stringLiteral(delimiter)}, quote = '"', escape = '"'`;
  try {
    await connection.run(`SELECT count(*) FROM ${read(options, names)}`);
    return null;
  } catch (error) {
    const kind = failureKind(error);
    if (kind === 'interrupted' || kind === 'memory') throw error;
    return duckDbReason(error);
  }
}

function namesOf(header: string, delimiter: string): readonly string[] {
  const names: string[] = [];
  let rest = header;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"/.exec(rest);
    const at = rest.indexOf(delimiter, quoted?.[0].length ?? 0);
    const name = at === -1 ? rest : rest.slice(0, at);
    names.push(quoted?.[0] === name ? (quoted[1] ?? '').replaceAll('""', '"') : name);
    if (at === -1) return names;
    rest = rest.slice(at + 1);
  }
}
