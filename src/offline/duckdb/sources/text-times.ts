import type { EngineColumn } from './source-scan.ts';

/** Whether text loses something without a word when DuckDB makes it a value of the column's type by itself. */
export function isTextTime({ engineType }: EngineColumn): boolean {
  return engineType === 'TIMESTAMP' || engineType === 'DATE';
}

/**
 * Text as a value of a type; null where it is none. DuckDB drops the offset of text that becomes a naive time
 * (`02:00+02:00` would be 02:00), and the time of day of one that becomes a date. The first lines of a file tell of
 * which type a column is, and later ones may have more. Without an offset a time is UTC.
 */
export function typedTextSql(text: string, engineType: string): string {
  // Calendars are not asked: by them it takes four times as long. They alone know the infinities.
  const time = `make_timestamp(epoch_us(TRY_CAST(${text} AS TIMESTAMPTZ)))`;
  const typed = `TRY_CAST(${text} AS ${engineType})`;
  switch (engineType) {
    case 'TIMESTAMP':
      return `coalesce(${time}, ${typed})`;
    case 'DATE':
      return `CASE WHEN strlen(${text}) <= ${'2026-01-31'.length} OR ${time} = ${typed} THEN ${typed} END`;
    default:
      return typed;
  }
}
