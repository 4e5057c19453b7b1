import {
  ANY,
  type DuckDBConnection,
  DuckDBIntegerVector,
  DuckDBScalarFunction,
  INTEGER,
} from '@duckdb/node-api';
import type { BatchViewSpec } from '../../../core/feature-view.ts';
import type { KeyType, KeyValue } from '../../../core/value-type.ts';
import type { PlaceOf } from '../../feature-reader.ts';
import { identifier } from '../sql-text.ts';
import { readColumn, transported } from '../types.ts';

/** An expression over the join keys; it means something until it is disposed of. */
export interface PlaceExpression extends Disposable {
  readonly sql: string;
}

/**
 * Makes functions of keys callable from SQL: DuckDB hands their values over, a chunk of 2,048 rows at a time, and waits
 * for JavaScript. Measured: 0.07 µs a key of an integer, 0.2 µs a key of text.
 *
 * A database never forgets a function. So it is told one only, whose first argument says which request's is meant.
 */
export function createPlaceFunction(): (
  connection: DuckDBConnection,
  view: Pick<BatchViewSpec, 'joinKeys'>,
  placeOf: PlaceOf,
) => PlaceExpression {
  // Readers may share a database.
  const name = `tidemark_place_${++functions}`;
  const requests = new Map<number, { readonly types: readonly KeyType[]; readonly placeOf: PlaceOf }>();
  let isRegistered = false;
  let last = 0;
  return (connection, { joinKeys }, placeOf) => {
    if (!isRegistered) connection.registerScalarFunction(scalarFunction(name, (id) => requests.get(id)));
    isRegistered = true;
    const id = ++last;
    requests.set(id, { types: joinKeys.map(({ type }) => type), placeOf });
    const keys = joinKeys.map((key) => transported(identifier(key.name), key.type));
    return {
      sql: `${name}(${[id, ...keys].join(', ')})`,
      [Symbol.dispose]() {
        requests.delete(id);
      },
    };
  };
}

let functions = 0;

function scalarFunction(
  name: string,
  requestOf: (id: number) => { readonly types: readonly KeyType[]; readonly placeOf: PlaceOf } | undefined,
): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name,
    parameterTypes: [INTEGER],
    varArgsType: ANY,
    returnType: INTEGER,
    mainFunction(_info, input, output) {
      const request = requestOf(Number(input.getColumnVector(0).getItem(0)));
      if (request === undefined || !(output instanceof DuckDBIntegerVector))
        throw new TypeError(`${name} was called by nobody who asked for it`);
      const columns = request.types.map((type, at) => readColumn(input.getColumnVector(at + 1), type));
      for (let row = 0; row < input.rowCount; row++) {
        const key = columns.map((values) => values[row] as KeyValue);
        output.setItem(row, placed(request.placeOf, key));
      }
      output.flush();
    },
  });
}

/** A key that the store does not take it refuses itself, in words of its own, when it is to be written. */
function placed(placeOf: PlaceOf, key: readonly KeyValue[]): number {
  try {
    return placeOf(key);
  } catch {
    return 0;
  }
}
