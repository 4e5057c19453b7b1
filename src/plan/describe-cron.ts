/** A cron expression in words, where they are few: `hourly at :05`, `daily at 03:00`; else the expression. */
export function describeCron(cron: string): string {
  const [minute = '', hour = '', ...rest] = cron.split(' ');
  if (rest.some((field) => field !== '*')) return `cron ${cron}`;
  const everyMinutes = /^\*\/(\d+)$/.exec(minute)?.[1];
  if (hour === '*' && minute === '*') return 'every minute';
  if (hour === '*' && everyMinutes !== undefined) return `every ${everyMinutes} minutes`;
  if (!/^\d+$/.test(minute)) return `cron ${cron}`;
  const at = minute.padStart(2, '0');
  if (hour === '*') return minute === '0' ? 'hourly' : `hourly at :${at}`;
  const everyHours = /^\*\/(\d+)$/.exec(hour)?.[1];
  if (everyHours !== undefined) return `every ${everyHours} hours${minute === '0' ? '' : ` at :${at}`}`;
  return /^\d+$/.test(hour) ? `daily at ${hour.padStart(2, '0')}:${at}` : `cron ${cron}`;
}
