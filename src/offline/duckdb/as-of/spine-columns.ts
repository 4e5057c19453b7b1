import type { JoinKey } from '../../../core/entity.ts';
import { TidemarkError } from '../../../core/errors.ts';
import { didYouMean } from '../../../core/nearest.ts';
import type { KeyType } from '../../../core/value-type.ts';
import type { AsOfRequest, JoinedView, Spine } from '../../as-of-engine.ts';
import type { EngineColumn } from '../sources/source-scan.ts';
import { isTimeColumn } from '../types.ts';

const INTEGERS = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT'];

/** What a spine column may be for a key: types that compare with it exactly. */
const ALLOWED: Readonly<Record<KeyType, readonly string[]>> = {
  bool: ['BOOLEAN'],
  int32: INTEGERS,
  int64: INTEGERS,
  string: ['VARCHAR', 'UUID', 'ENUM'],
  date: ['DATE'],
};

/** What the spine is called in a sentence; a query is not repeated. */
export function spineName(spine: Spine): string {
  if (spine.kind === 'query' || spine.kind === 'postgres') return 'the spine query';
  if (spine.kind === 'range') return `the rows from ${spine.from} to ${spine.to}`;
  return spine.kind === 'written' ? 'the entity rows of the training set' : `the spine ${spine.path}`;
}

export function spineProblem(spine: Spine, reason: string, cause?: unknown): TidemarkError {
  return new TidemarkError('SPINE_INVALID', `Cannot use ${spineName(spine)}: ${reason}.`, { cause });
}

/** The position of a column the spine must have. */
export function spineColumn(
  spine: Spine,
  columns: readonly EngineColumn[],
  name: string,
  purpose: string,
): number {
  const at = columns.findIndex((column) => column.name === name);
  if (at !== -1) return at;
  const names = columns.map((column) => column.name);
  throw new TidemarkError(
    'SPINE_INVALID',
    `Cannot use ${spineName(spine)}: it has no column "${name}" for ${purpose}; it has ` +
      `${names.map((one) => `"${one}"`).join(', ')}.${didYouMean(name, names)}`,
  );
}

/**
 * The spine's times as BIGINT microseconds, UTC; null where there is none. Text (CSV, JSON) must be ISO 8601: DuckDB
 * would also take zone names, and then reads the naive times after them in that zone.
 */
export function spineTimeSql(spine: Spine, { name, engineType }: EngineColumn, column: string): string {
  if (isTimeColumn(engineType)) return microsSql(column);
  if (isText(spine) && engineType === 'VARCHAR') {
    const iso =
      '\\s*\\d{4}-\\d{2}-\\d{2}([T ]\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?\\s*(Z|[+-]\\d{2}(:?\\d{2})?)?)?\\s*';
    return `CASE WHEN regexp_full_match(${column}, '${iso}') THEN ${microsSql(`TRY_CAST(${column} AS TIMESTAMPTZ)`)} END`;
  }
  throw spineProblem(
    spine,
    `its timestamp column "${name}" is ${engineType}, and must be a TIMESTAMP (with or without time zone), a DATE` +
      `${isText(spine) ? ' or ISO 8601 text' : ''}`,
  );
}

function isText({ kind }: Spine): boolean {
  return kind === 'csv' || kind === 'json' || kind === 'written';
}

function microsSql(time: string): string {
  return `epoch_us(CAST(${time} AS TIMESTAMP))`;
}

/** The positions of the spine columns that a view's keys are read from. */
export function keyColumns(
  spine: Spine,
  columns: readonly EngineColumn[],
  { view, version, joinKeys, spineColumns }: JoinedView,
): readonly number[] {
  return joinKeys.map((key, index) => {
    const name = spineColumns[index] ?? key.name;
    const at = spineColumn(spine, columns, name, `join key "${key.name}" of ${view}@v${version}`);
    const found = columns[at]?.engineType ?? '';
    if (!ALLOWED[key.type].includes(found.replace(/^ENUM\(.*$/s, 'ENUM'))) {
      const advice =
        spine.kind === 'parquet' && found === 'DOUBLE' && ALLOWED[key.type] === INTEGERS
          ? '; cast it to BIGINT before it is written (DuckDB writes HUGEINT, as sum() gives it, to Parquet as DOUBLE)'
          : '';
      throw spineProblem(
        spine,
        `its column "${name}" is ${found}, and join key "${key.name}" of ${view}@v${version} is ${key.type}, ` +
          `which takes ${ALLOWED[key.type].join(', ')}${advice}`,
      );
    }
    return at;
  });
}

/** A spine column as a value that equals keys of this type exactly. */
export function keySql(key: JoinKey, column: string): string {
  return key.type === 'string' ? `CAST(${column} AS VARCHAR)` : column;
}

/** Output names are unique among themselves and the spine's columns, without regard to case (rule 7). */
export function refuseCollisions(
  spine: Spine,
  columns: readonly EngineColumn[],
  { views, computed = [] }: Pick<AsOfRequest, 'views' | 'computed'>,
): void {
  const taken = new Map(columns.map(({ name }) => [name.toLowerCase(), `its column "${name}"`]));
  const outputs = [
    ...views.flatMap(({ view, version, features }) =>
      features.map(({ feature, output }) => ({
        output,
        what: `feature "${feature.name}" of ${view}@v${version}`,
      })),
    ),
    ...computed.flatMap(({ name, outputs: made }) =>
      made.map((column) => ({ output: column.name, what: `"${column.name}" of ${name}` })),
    ),
  ];
  for (const { output, what } of outputs) {
    const other = taken.get(output.toLowerCase());
    if (other !== undefined) {
      throw spineProblem(
        spine,
        `${other} and ${what} would both be the column "${output}"; rename the column, ask for full names, or ` +
          'give the view an alias',
      );
    }
    taken.set(output.toLowerCase(), what);
  }
}
