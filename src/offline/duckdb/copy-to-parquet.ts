import { stringLiteral } from './sql-text.ts';

/**
 * How all Parquet of Tidemark is written: the same rows in the same order give the same bytes, whatever the number of
 * threads, for groups have a fixed size and DuckDB writes no time and no name into the file.
 *
 * Level 2 of zstd takes a third to four fifths of level 3's time for columns of times, identifiers or money, and gives
 * files of about the size (`bench/README.md`). Version 1 of the encodings, as version 2 is not read everywhere:
 * fastparquet 2026.9 reads other integers, and Spark 3.5 other bytes, than were written, and both refuse floats.
 */
function options(rowsPerGroup: number): string {
  return `FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 2, PARQUET_VERSION V1, ROW_GROUP_SIZE ${rowsPerGroup}`;
}

/** Of training sets. */
export const SET_OPTIONS = options(122_880);

/** Of rows that are read by their times: groups are smaller than DuckDB's own, as readers skip them by event time. */
const FEATURE_OPTIONS = options(61_440);

/** A training set or a part of one. */
export function copySetSql(select: string, path: string): string {
  return `COPY (${select}) TO ${stringLiteral(path)} (${SET_OPTIONS})`;
}

/** Rows of features or events. */
export function copyRowsSql(select: string, path: string): string {
  return `COPY (${select}) TO ${stringLiteral(path)} (${FEATURE_OPTIONS})`;
}
