import type { DuckDBConnection } from '@duckdb/node-api';

/** Milliseconds between looks at how far a statement is. */
const EVERY = 250;

/**
 * Runs a statement; `onShare` is told now and then which share of the rows that it has to pass on has been, in [0, 1]:
 * DuckDB's own estimate, which stands still while rows are sorted.
 */
export async function runWithProgress(
  connection: DuckDBConnection,
  statement: string,
  onShare?: (share: number) => void,
): Promise<void> {
  if (onShare === undefined) {
    await connection.run(statement);
    return;
  }
  await connection.run('SET enable_progress_bar = true');
  await connection.run('SET enable_progress_bar_print = false');
  const timer = setInterval(() => {
    const { percentage } = connection.progress;
    if (percentage > 0) onShare(Math.min(1, percentage / 100));
  }, EVERY);
  try {
    await connection.run(statement);
  } finally {
    clearInterval(timer);
  }
}
