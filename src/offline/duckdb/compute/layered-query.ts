/**
 * Builds `SELECT *, … FROM (SELECT *, … FROM (…))` where each level may use what the levels below have named.
 * Nested levels rather than aliases used beside their definition, because DuckDB copies those into each use, and
 * a chain of them would grow with a power of two. The same text on the same level is computed once.
 */
export interface LayeredQuery {
  /** Names an expression on `level` (0 is the lowest); returns the column's name. */
  define(level: number, expression: string): string;
  /** The query over `from`, a table or a query in parentheses. */
  sql(from: string): string;
}

/** `prefix` sets the names of one query apart from those of the next. */
export function layeredQuery(prefix: string): LayeredQuery {
  const levels: Map<string, string>[] = [];
  let defined = 0;
  return {
    define(level, expression) {
      while (levels.length <= level) levels.push(new Map());
      const names = levels[level] ?? new Map<string, string>();
      const known = names.get(expression);
      if (known !== undefined) return known;
      const name = `__${prefix}${defined++}`;
      names.set(expression, name);
      return name;
    },
    sql(from) {
      return levels.reduce((below, names) => {
        if (names.size === 0) return below;
        const columns = [...names].map(([expression, name]) => `${expression} AS ${name}`);
        return `(SELECT *, ${columns.join(', ')} FROM ${below})`;
      }, from);
    },
  };
}
