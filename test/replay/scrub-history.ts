/**
 * Takes out of a history, as JSON, what belongs to the machine and the person that recorded it: identities, stack
 * traces, and the given texts (paths, host and user names), inside encoded payloads too.
 */
export function scrubHistory(history: unknown, replaced: ReadonlyMap<string, string>): unknown {
  const scrubText = (text: string) =>
    [...replaced].reduce((scrubbed, [secret, word]) => scrubbed.replaceAll(secret, word), text);
  const scrub = (value: unknown, key: string): unknown => {
    if (key === 'identity') return 'worker';
    if (key === 'stackTrace') return '';
    if (Array.isArray(value)) return value.map((item) => scrub(item, key));
    if (typeof value === 'string') return key === 'data' ? recode(value, scrubText) : scrubText(value);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, scrub(inner, name)]));
  };
  return scrub(history, '');
}

/** Payloads are JSON in base64. */
function recode(data: string, change: (text: string) => string): string {
  return Buffer.from(change(Buffer.from(data, 'base64').toString('utf8'))).toString('base64');
}

/** The text of all payloads, for looking what a history tells. */
export function payloadTexts(value: unknown, key = ''): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => payloadTexts(item, key));
  if (typeof value === 'string') return key === 'data' ? [Buffer.from(value, 'base64').toString('utf8')] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]) => payloadTexts(inner, name));
}
