/** Characters of a reason in an alert: it is a pointer, not a log. */
const REASON_LENGTH = 500;

/** Cutting may halve a character, which neither JSON nor Postgres would take. */
export function shortened(text: string): string {
  return text.length <= REASON_LENGTH ? text : `${text.slice(0, REASON_LENGTH).toWellFormed()}…`;
}
