import { messageOf, TidemarkError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { SourceSpec } from '../core/source.ts';
import type { ValueType } from '../core/value-type.ts';
import type { QueryDescription, SourceColumn, SourceReader } from '../offline/source-reader.ts';
import type { LoadedDefinition } from '../repo/load-repo.ts';
import { type Finding, placeOf } from './finding.ts';

/** What sources answer, each question asked once; what is wrong is gathered, not thrown. */
export interface SourceLookup {
  /** Undefined when the source cannot be read (reported once, at the source). */
  columnsOf(source: SourceSpec): Promise<readonly SourceColumn[] | undefined>;
  /** The type of a column or expression over the source; undefined when it is wrong (reported at `field`). */
  expressionType(
    at: LoadedDefinition,
    field: string,
    source: SourceSpec,
    expression: string,
  ): Promise<ValueType | null | undefined>;
  queryOf(
    at: LoadedDefinition,
    query: string,
    sources: readonly SourceSpec[],
    field?: string,
  ): Promise<QueryDescription | undefined>;
  /** Reports a missing column; `allowed` are the types it may have. Undefined when it is not as asked. */
  columnAt(
    at: LoadedDefinition,
    field: string,
    name: string,
    columns: readonly SourceColumn[],
    of: string,
    allowed?: readonly ValueType[],
  ): SourceColumn | undefined;
  mismatch(at: LoadedDefinition, field: string, message: string): void;
  /** Reports what is wrong in the definition itself. */
  invalid(at: LoadedDefinition, field: string, message: string): void;
}

export function createSourceLookup(
  sourceReader: SourceReader,
  placeOfSource: (name: string) => LoadedDefinition | undefined,
  findings: Finding[],
): SourceLookup {
  const described = new Map<string, Promise<readonly SourceColumn[] | undefined>>();
  const expressions = new Map<string, Promise<ValueType | null | TidemarkError>>();
  const report = (code: Finding['code'], at: LoadedDefinition, field: string, message: string) => {
    findings.push({ code, where: `${placeOf(at)}, ${field}`, message });
  };

  async function describe(source: SourceSpec): Promise<readonly SourceColumn[] | undefined> {
    try {
      return (await sourceReader.describe(source)).columns;
    } catch (error) {
      const known = sourceFailure(error);
      const at = placeOfSource(source.name);
      findings.push({
        code: known.code === 'SOURCE_SCHEMA_MISMATCH' ? known.code : 'SOURCE_UNREADABLE',
        where:
          at === undefined
            ? `source "${source.name}"`
            : `${placeOf(at)}, ${source.kind === 'postgres' ? 'urlEnv' : 'path'}`,
        message: known.message,
      });
      return undefined;
    }
  }

  function columnsOf(source: SourceSpec) {
    const known = described.get(source.name) ?? describe(source);
    described.set(source.name, known);
    return known;
  }

  const lookup: SourceLookup = {
    columnsOf,
    async expressionType(at, field, source, expression) {
      const columns = await columnsOf(source);
      if (columns === undefined) return undefined;
      const plain = /^[a-z_]\w*$/i.test(expression);
      const column = plain ? columnNamed(expression, columns) : undefined;
      if (column !== undefined) return column.type;
      const key = `${source.name}\n${expression}`;
      const asked =
        expressions.get(key) ?? sourceReader.describeExpression(expression, source).catch(sourceFailure);
      expressions.set(key, asked);
      const type = await asked;
      if (!(type instanceof TidemarkError)) return type;
      // A lone name that is no expression either is a column that is not there.
      if (plain) lookup.columnAt(at, field, expression, columns, `source "${source.name}"`);
      else report('DEFINITION_INVALID', at, field, type.message);
      return undefined;
    },
    async queryOf(at, query, sources, field = 'sql') {
      for (const source of sources) if ((await columnsOf(source)) === undefined) return undefined;
      try {
        return await sourceReader.describeQuery(query, sources);
      } catch (error) {
        report('DEFINITION_INVALID', at, field, sourceFailure(error).message);
        return undefined;
      }
    },
    columnAt(at, field, name, columns, of, allowed) {
      const column = columnNamed(name, columns);
      if (column === undefined) {
        const names = columns.map((each) => each.name);
        const near = nearest(name, names);
        const hint = near === undefined ? '' : ` (did you mean "${near}"?)`;
        report(
          'SOURCE_SCHEMA_MISMATCH',
          at,
          field,
          `found no column "${name}" in ${of}${hint}; it has ${names.join(', ')}`,
        );
        return undefined;
      }
      if (allowed !== undefined && (column.type === null || !allowed.includes(column.type))) {
        const found = column.type === null ? column.engineType : `${column.type} (${column.engineType})`;
        report(
          'SOURCE_SCHEMA_MISMATCH',
          at,
          field,
          `found column "${name}" of ${of} of type ${found}, allowed is ${allowed.join(' or ')}`,
        );
        return undefined;
      }
      return column;
    },
    mismatch: (at, field, message) => report('SOURCE_SCHEMA_MISMATCH', at, field, message),
    invalid: (at, field, message) => report('DEFINITION_INVALID', at, field, message),
  };
  return lookup;
}

/** Exactly so spelled, else as SQL finds it: without regard to case. */
function columnNamed(name: string, columns: readonly SourceColumn[]): SourceColumn | undefined {
  return (
    columns.find((column) => column.name === name) ??
    columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
  );
}

const ABOUT_A_SOURCE: ReadonlySet<string> = new Set([
  'SOURCE_UNREADABLE',
  'SOURCE_SCHEMA_MISMATCH',
  'QUERY_INVALID',
]);

/** What a source or query is to blame for; anything else (memory, cancellation) is thrown on. */
function sourceFailure(error: unknown): TidemarkError {
  if (error instanceof TidemarkError && ABOUT_A_SOURCE.has(error.code)) return error;
  if (error instanceof TidemarkError) throw error;
  throw new TidemarkError('INTERNAL', messageOf(error), { cause: error });
}
