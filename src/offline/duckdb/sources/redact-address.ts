/** An address in a text, without its password. */
export function redactAddress(text: string): string {
  return text
    .replaceAll(/(\bpostgres(?:ql)?:\/\/[^\s"':@/]*):[^\s"']*@/gi, '$1:…@')
    .replaceAll(/(\bpassword=)[^\s&"']+/gi, '$1…');
}

/** The same of an error and of all that caused it, in place: errors are logged and kept with what caused them. */
export function redactError(thrown: unknown): void {
  for (let error: unknown = thrown; error instanceof Error; error = error.cause) {
    const message = redactAddress(error.message);
    if (message !== error.message) error.message = message;
    if (error.stack !== undefined) error.stack = redactAddress(error.stack);
  }
}
