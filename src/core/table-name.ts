/**
 * The parts of a table's name in SQL, schema first: `shop.events`, `"My Schema"."events.2026"`. Between double quotes
 * everything stands for itself, and two of them for one. A part without quotes is taken letter by letter, too: `Events`
 * is no `events`. Undefined with a reason for what is no name.
 */
export function parseTableName(
  text: string,
): { ok: true; parts: readonly string[] } | { ok: false; reason: string } {
  const parts: string[] = [];
  for (let rest = text; ; ) {
    const [whole = '', quoted, plain = ''] = /^(?:"((?:[^"]|"")*)"|([^".][^.]*))/.exec(rest) ?? [];
    const part = quoted === undefined ? plain : quoted.replaceAll('""', '"');
    if (part === '') {
      const isOpen = rest.startsWith('"') && !rest.startsWith('""');
      return { ok: false, reason: isOpen ? 'a double quote is not closed' : 'a part of the name is empty' };
    }
    parts.push(part);
    rest = rest.slice(whole.length);
    if (rest === '') return { ok: true, parts };
    if (!rest.startsWith('.')) {
      return { ok: false, reason: `after a closing quote comes a point or nothing, not ${rest}` };
    }
    rest = rest.slice(1);
  }
}
