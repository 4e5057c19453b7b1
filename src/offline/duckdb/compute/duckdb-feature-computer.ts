import { join } from 'node:path';
import { type DuckDBConnection, version } from '@duckdb/node-api';
import { TidemarkError } from '../../../core/errors.ts';
import { type BatchViewSpec, formatViewVersion } from '../../../core/feature-view.ts';
import { formatInterval, type Interval } from '../../../core/interval.ts';
import type { FeatureComputer } from '../../feature-computer.ts';
import { contentDigest } from '../content-digest.ts';
import { duckDbReason, failureKind, isLasting } from '../duckdb-failure.ts';
import type { DuckDbEngine } from '../engine.ts';
import { writeFeatureFile } from '../feature-file.ts';
import type { SourcePlace } from '../sources/open-source.ts';
import { aggregatedEvents, prepareAggregations } from './compute-aggregations.ts';
import { finishRows, passThroughRows, rowColumns, runSqlView } from './compute-rows.ts';
import { profileSlices } from './feature-profile.ts';
import { refuseNeverTrue } from './validity.ts';

/** Counts changes of this computer that change what it writes for the same range and input. */
const FORMAT = 3;

/** Sources are looked for in their place; files are written below `offlineRoot`. */
export function createDuckDbFeatureComputer(
  engine: DuckDbEngine,
  { offlineRoot, ...place }: SourcePlace & { readonly offlineRoot: string },
): FeatureComputer {
  return {
    version: `DuckDB ${version()}, format ${FORMAT}`,

    inputDigest(view, range, signal) {
      return engine.withConnection(
        (connection) =>
          explained(view, range, async () =>
            contentDigest(connection, await inputSql(connection, view, range, place)),
          ),
        signal,
      );
    },

    compute({ view, range, path, signal }) {
      return engine.withConnection(
        (connection) =>
          explained(view, range, async () => {
            const rows = await rowsSql(connection, view, range, place);
            const written = await writeFeatureFile(connection, view, rows, join(offlineRoot, path));
            return written === null ? null : { path, ...written };
          }),
        signal,
      );
    },

    profile(view, files, signal) {
      return engine.withConnection(
        (connection) => profileSlices(connection, view, files, offlineRoot),
        signal,
      );
    },
  };
}

/**
 * The rows that decide the range's values. Of a SQL view these are the rows its query gives: what the query
 * reads besides, and how far back, only it knows.
 */
async function inputSql(
  connection: DuckDBConnection,
  view: BatchViewSpec,
  range: Interval,
  place: SourcePlace,
): Promise<string> {
  const { transformation } = view;
  switch (transformation.kind) {
    case 'aggregations':
      return (await aggregatedEvents(connection, view, transformation.aggregations, range, place)).select;
    case 'passthrough':
      return passThroughRows(connection, view, range, place);
    case 'sql':
      await runSqlView(connection, view, transformation, range, place, { checkCuts: false });
      return `SELECT ${rowColumns(view)} FROM __rows`;
  }
}

async function rowsSql(
  connection: DuckDBConnection,
  view: BatchViewSpec,
  range: Interval,
  place: SourcePlace,
): Promise<string> {
  const { transformation } = view;
  switch (transformation.kind) {
    case 'aggregations':
      return prepareAggregations(connection, view, transformation.aggregations, range, place);
    case 'passthrough': {
      const rows = `(${await passThroughRows(connection, view, range, place)})`;
      if (view.validTo !== undefined) await refuseNeverTrue(connection, view, rows, range);
      return finishRows(connection, view, rows, range, 'tick');
    }
    case 'sql': {
      await runSqlView(connection, view, transformation, range, place, { checkCuts: true });
      const ends = transformation.intervalsPerQuery === 1 ? 'query' : 'tick';
      return finishRows(connection, view, '__rows', range, ends);
    }
  }
}

/** Errors that are the view's or its data's, said with the view's name. */
async function explained<T>(view: BatchViewSpec, range: Interval, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TidemarkError) throw error;
    const what = `Cannot compute view "${formatViewVersion({ view: view.name, version: view.version })}" for ${formatInterval(range)}`;
    switch (failureKind(error)) {
      case 'conversion':
        throw new TidemarkError(
          'SOURCE_SCHEMA_MISMATCH',
          `${what}: a value does not fit its type (${duckDbReason(error)}). Declare a wider type, or correct the source.`,
          { cause: error },
        );
      case 'binder':
      case 'parser':
        throw new TidemarkError('QUERY_INVALID', `${what}: ${duckDbReason(error)}.`, { cause: error });
      case 'file':
        throw new TidemarkError(
          'SOURCE_UNREADABLE',
          `${what}: ${duckDbReason(error)}. Check the files of ${view.sources.map(({ name }) => `source "${name}"`).join(', ')}.`,
          { cause: error, lasting: isLasting(error) },
        );
      default:
        throw error;
    }
  }
}
