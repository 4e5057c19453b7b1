import { isAbsolute, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { digestOf } from '../../../core/canonical.ts';
import { messageOf, TidemarkError } from '../../../core/errors.ts';
import { type Micros, micros } from '../../../core/time.ts';
import type { JoinedView, Spine } from '../../as-of-engine.ts';
import { contentDigest } from '../content-digest.ts';
import { duckDbReason, failureKind } from '../duckdb-failure.ts';
import { digestOfFile } from '../feature-file.ts';
import { sliceFailure } from '../slice-scan.ts';
import { columnNames, createSourceView, namedIn } from '../sources/duckdb-source-reader.ts';
import { hiveOption, namedFiles, withoutFoldersAbove } from '../sources/named-files.ts';
import { openAddress, type SourcePlace } from '../sources/open-source.ts';
import { openPostgres } from '../sources/postgres-source.ts';
import { parseQuery } from '../sources/query-shape.ts';
import { describeSelect, type EngineColumn, isRemote, requireDeclared } from '../sources/source-scan.ts';
import { withWideDecimals } from '../sources/wide-decimals.ts';
import { identifier, literalPath, stringLiteral, writtenParquet } from '../sql-text.ts';
import { isTimeColumn } from '../types.ts';
import { rangeSpineSql } from './range-spine-sql.ts';
import { namesInFiles, refuseNames } from './refuse-names.ts';
import { spineColumn, spineProblem, spineTimeSql } from './spine-columns.ts';
import { fileOf } from './spine-file.ts';
import { keyTypes, textSpineSql } from './text-spine.ts';

/**
 * A spine read into the temporary table `__spine` in its own order (so that `rowid` is the row number): columns
 * `c0`, `c1`, … in their types, whatever their names are, and `t`, the row's time in BIGINT microseconds. One that is
 * asked for in place is a view of the same columns over its file, where it is one that can be read so.
 */
export interface LoadedSpine {
  readonly columns: readonly EngineColumn[];
  /** The position of the column that the rows' times are read from. */
  readonly timeColumn: number;
  readonly rows: number;
  /** The earliest and latest time; null when there are no rows. */
  readonly span: { readonly first: Micros; readonly last: Micros } | null;
  /** `__spine` is a view. */
  readonly isInPlace: boolean;
}

/** ±2^61 µs, about 73,000 years: sums with durations of that size stay exact in 64 bits. */
const FARTHEST = 2n ** 61n;
const NO_TIME = `(t IS NULL OR t NOT BETWEEN -${FARTHEST} AND ${FARTHEST})`;

/** Where what a spine is read from is looked for. */
export interface SpinePlace extends SourcePlace {
  readonly offlineRoot: string;
}

/** SPINE_INVALID when it cannot be read, lacks its time column, or has rows without a time. */
export async function loadSpine(
  connection: DuckDBConnection,
  spine: Spine,
  {
    views = [],
    inPlace = false,
    ...place
  }: SpinePlace & { readonly views?: readonly JoinedView[]; readonly inPlace?: boolean },
): Promise<LoadedSpine> {
  const file = inPlace ? fileOf(spine) : null;
  const fill = async (allLines: boolean) =>
    fillSpine(connection, spine, {
      ...(await relationOf(connection, spine, { ...place, views, allLines })),
      file,
    });
  const filled = await readable(spine, async () => {
    try {
      return await fill(false);
    } catch (error) {
      // What the first lines of a CSV file look like, a later one does not.
      if (spine.kind !== 'csv' || failureKind(error) !== 'conversion') throw error;
      return await fill(true);
    }
  });
  const { invalid, ...found } = await measured(connection, filled);
  if (invalid > 0) {
    const [[first] = []] = (
      await connection.runAndReadAll(
        `SELECT left(CAST(c${filled.timeColumn} AS VARCHAR), 60) FROM __spine WHERE ${NO_TIME} ORDER BY rowid LIMIT 1`,
      )
    ).getRows();
    throw spineProblem(
      spine,
      `${invalid} of its ${found.rows} rows have no time in "${spine.timestampField}" that can be used` +
        `${first == null ? '' : ` (the first: "${String(first)}")`}; every row needs one`,
    );
  }
  const [[isInPlace] = []] = (
    await connection.runAndReadAll("SELECT count(*) > 0 FROM duckdb_views() WHERE view_name = '__spine'")
  ).getRows();
  return { ...filled, ...found, isInPlace: isInPlace === true };
}

const ROW_NUMBER = 'file_row_number';

async function fillSpine(
  connection: DuckDBConnection,
  spine: Spine,
  { relation, ownNames, parquet, file }: Relation & { readonly file: string | null },
): Promise<Pick<LoadedSpine, 'columns' | 'timeColumn'>> {
  const said = await describeSelect(connection, `SELECT * FROM ${relation}`);
  const found = parquet === undefined ? said : await withWideDecimals(connection, said, parquet);
  if (ownNames !== undefined) await refuseNames(spine, found, ownNames);
  const at = spineColumn(spine, found, spine.timestampField, 'the rows’ times');
  const timeColumn = found[at] ?? { name: spine.timestampField, engineType: '' };
  const time = spineTimeSql(spine, timeColumn, identifier(timeColumn.name));
  // Parquet has no such type, and would be given rounded numbers.
  const columns = found.map((column) =>
    /^U?HUGEINT$/.test(column.engineType) ? { ...column, engineType: 'BIGINT' } : column,
  );
  const select = columns.map(({ name, engineType }, index) => {
    const value =
      found[index]?.engineType === engineType
        ? identifier(name)
        : `CAST(${identifier(name)} AS ${engineType})`;
    return `${value} AS c${index}`;
  });
  const all = [...select, `${time} AS t`].join(', ');
  // A column of that name would hide the number that DuckDB gives to a file's rows.
  const readInPlace = file !== null && found.every(({ name }) => name.toLowerCase() !== ROW_NUMBER);
  await connection.run(
    readInPlace
      ? `CREATE TEMP VIEW __spine AS SELECT ${ROW_NUMBER} AS rowid, ${all} FROM ` +
          `read_parquet(${stringLiteral(literalPath(file))}, ${ROW_NUMBER} = true, hive_partitioning = false)`
      : `CREATE TEMP TABLE __spine AS SELECT ${all} FROM ${relation}`,
  );
  return { columns, timeColumn: at };
}

/** Leaves the rows after a time out of `__spine`, and says how many they are. */
export async function leaveOut(
  connection: DuckDBConnection,
  spine: LoadedSpine,
  notAfter: Micros | undefined,
): Promise<LoadedSpine & { readonly leftOut: number }> {
  if (notAfter === undefined || spine.span === null || spine.span.last <= notAfter)
    return { ...spine, leftOut: 0 };
  // A new table, because what is deleted leaves gaps between the row numbers.
  await connection.run(`CREATE TEMP TABLE __kept AS SELECT * FROM __spine WHERE t <= ${notAfter}`);
  await connection.run('DROP TABLE __spine');
  await connection.run('ALTER TABLE __kept RENAME TO __spine');
  const { rows, span } = await measured(connection, spine);
  return { ...spine, isInPlace: false, rows, span, leftOut: spine.rows - rows };
}

/** `invalid`: rows whose time cannot be used. */
async function measured(
  connection: DuckDBConnection,
  { columns, timeColumn }: Pick<LoadedSpine, 'columns' | 'timeColumn'>,
): Promise<Pick<LoadedSpine, 'rows' | 'span'> & { readonly invalid: number }> {
  const read = async (select: string) => {
    const [[rows, first, last, invalid] = []] = (
      await connection.runAndReadAll(`SELECT count(*), ${select} FROM __spine`)
    ).getRows();
    const span =
      typeof first === 'bigint' && typeof last === 'bigint'
        ? { first: micros(first), last: micros(last) }
        : null;
    return { rows: Number(rows), span, invalid: Number(invalid) };
  };
  if (isTimeColumn(columns[timeColumn]?.engineType ?? '')) {
    // Of plain columns DuckDB knows these without reading a row.
    const c = `c${timeColumn}`;
    const inMicros = (time: string) => `epoch_us(CAST(${time} AS TIMESTAMP))`;
    const found = await read(`${inMicros(`min(${c})`)}, ${inMicros(`max(${c})`)}, count(*) - count(${c})`);
    const { span, invalid } = found;
    if (invalid === 0 && span !== null && span.first >= -FARTHEST && span.last <= FARTHEST) return found;
  }
  return read(`min(t), max(t), count(*) FILTER (${NO_TIME})`);
}

/**
 * SHA-256 over content and order. Files are digested as they lie on disk, which costs one read; a query, and
 * files elsewhere, by the rows that `loadSpine` got from it.
 */
export async function spineDigest(connection: DuckDBConnection, spine: Spine): Promise<string> {
  if (!('path' in spine || spine.kind === 'written') || ('path' in spine && isRemote(spine.path))) {
    return digestOf({
      kind: spine.kind,
      content: await contentDigest(connection, 'SELECT rowid AS row_number, * FROM __spine'),
    });
  }
  const named = 'path' in spine ? await readable(spine, () => namedFiles(connection, spine)) : null;
  const files: { readonly bytes: number; readonly digest: string }[] = [];
  const paths = spine.kind === 'written' ? spine.paths : (named?.files ?? []).map(({ file }) => file);
  for (const path of paths) files.push(await digestOfFile(path));
  if (named === null || named.keys.length === 0) return digestOf({ kind: spine.kind, files });
  return digestOf({ kind: spine.kind, files, folders: named.files.map(({ values }) => [...values]) });
}

interface Relation {
  /** A table function or a query in parentheses. */
  readonly relation: string;
  /** What its columns are called where they are, unless that has been looked at. */
  readonly ownNames?: () => Promise<readonly string[]>;
  /** A Parquet file of them, as DuckDB takes it. */
  readonly parquet?: string | undefined;
}

/** What a query needs is made. */
async function relationOf(
  connection: DuckDBConnection,
  spine: Spine,
  {
    views,
    allLines,
    ...place
  }: SpinePlace & { readonly views: readonly JoinedView[]; readonly allLines: boolean },
): Promise<Relation> {
  if ('path' in spine && isRemote(spine.path)) await openAddress(connection, spine.path, place);
  switch (spine.kind) {
    case 'parquet':
    case 'csv':
    case 'json': {
      const named = await namedFiles(connection, spine);
      const folders = hiveOption(named, keyTypes(named.keys, views, true));
      const { kind } = spine;
      const scan =
        kind === 'parquet'
          ? `read_parquet(${stringLiteral(named.path)}${folders})`
          : await textSpineSql(connection, { ...spine, kind }, { named, folders, views, allLines });
      const relation = await withoutFoldersAbove(connection, { ...named, kind }, scan);
      return kind === 'parquet'
        ? {
            relation,
            ownNames: () => namesInFiles(connection, kind, named),
            parquet: named.files[0] && literalPath(named.files[0].file),
          }
        : { relation };
    }
    case 'written': {
      const select = spine.columns.map(({ name, engineType }) => {
        const column = identifier(name);
        return `CAST(${column} AS ${engineType}) AS ${column}`;
      });
      return { relation: `(SELECT ${select.join(', ')} FROM ${writtenParquet(spine.paths)})` };
    }
    case 'range':
      return { relation: rangeSpineSql(spine, place.offlineRoot) };
    case 'postgres': {
      const { urlEnv, query, timestampField } = spine;
      const rows = { what: 'the spine query', urlEnv, table: null, query, timestampField };
      const refused = (reason: string) => spineProblem(spine, reason);
      return await openPostgres(connection, { ...rows, refused }, place.remote);
    }
    case 'query': {
      const sources = spine.sources ?? [];
      const shape = await parseQuery(
        connection,
        spine.query,
        sources.map(({ name }) => name),
        () => columnNames(connection, namedIn(spine.query, sources), place),
      );
      const [parameter] = shape.parameters;
      if (parameter !== undefined) throw spineProblem(spine, `it has the parameter $${parameter}`);
      for (const source of namedIn(spine.query, sources)) {
        requireDeclared(await createSourceView(connection, source, place), source);
      }
      const relation = `(${shape.text})`;
      const ownNames = async () => (await describeSelect(connection, relation)).map(({ name }) => name);
      return { relation, ownNames };
    }
  }
}

/** What DuckDB says about the user's file or query becomes SPINE_INVALID. */
async function readable<T>(spine: Spine, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TidemarkError) {
      if (error.code !== 'QUERY_INVALID') throw error;
      throw spineProblem(spine, messageOf(error).replace(/^Cannot use the query: |\.$/g, ''), error);
    }
    const kind = failureKind(error);
    if (kind === 'interrupted' || kind === 'memory') throw error;
    if (spine.kind === 'range') throw sliceFailure(error);
    if ('path' in spine && /No files found|HTTP 404/.test(messageOf(error))) {
      const place = isRemote(spine.path) || isAbsolute(spine.path) ? '' : ` at ${resolve(spine.path)}`;
      throw spineProblem(spine, `there is no such file${place}`, error);
    }
    throw spineProblem(spine, duckDbReason(error), error);
  }
}
