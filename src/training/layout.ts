import { TidemarkError } from '../core/errors.ts';
import { parseSplit } from '../core/split-text.ts';
import type { TableFormat, TableLayout, TableSplit } from '../offline/table-arranger.ts';

/** How a set's rows lie in files, as a person asks for it. */
export interface LayoutRequest {
  /** `time:80/10/10`, `entity:80/20`, or `entity=user_id:80/10/10` to name the columns of the entity. */
  readonly split?: string;
  readonly format?: TableFormat;
  readonly rowsPerFile?: number;
}

/** One Parquet file of all rows. */
export function isPlain({ format, rowsPerFile, split }: TableLayout): boolean {
  return format === 'parquet' && rowsPerFile === null && split === null;
}

/** `keys`: by view, the spine columns its keys are read from; views without any are everybody's. REQUEST_INVALID says what is allowed. */
export function layoutOf(
  { split, format = 'parquet', rowsPerFile }: LayoutRequest,
  { keys, columns }: { readonly keys: readonly (readonly string[])[]; readonly columns: readonly string[] },
): TableLayout {
  if (rowsPerFile !== undefined && (!Number.isSafeInteger(rowsPerFile) || rowsPerFile < 1)) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot write ${rowsPerFile} rows per file: give a whole number of at least 1.`,
    );
  }
  return {
    format,
    rowsPerFile: rowsPerFile ?? null,
    split: split === undefined ? null : splitOf(split, { keys, columns }),
  };
}

function splitOf(
  text: string,
  { keys, columns }: { readonly keys: readonly (readonly string[])[]; readonly columns: readonly string[] },
): TableSplit {
  const refuse = (reason: string) =>
    new TidemarkError('REQUEST_INVALID', `Cannot split by "${text}": ${reason}.`);
  const parsed = parseSplit(text);
  if (!parsed.ok) throw refuse(parsed.reason);
  const { kind, shares, columns: asked } = parsed.split;
  if (kind === 'time') return { kind, shares };
  if (asked !== null) {
    const unknown = asked.filter((name) => !columns.includes(name));
    if (unknown.length === 0) return { kind: 'entity', shares, columns: asked };
    throw refuse(`the entity rows have no column ${unknown.map((name) => `"${name}"`).join(', ')}`);
  }
  const [first, ...others] = keys.filter(({ length }) => length > 0).map((one) => one.toSorted());
  if (first === undefined) {
    throw refuse('no view that is read has keys; name the columns, as entity=user_id:80/10/10');
  }
  if (others.some((other) => other.join('\n') !== first.join('\n'))) {
    const all = [...new Set(keys.flat())].map((name) => `"${name}"`).join(', ');
    throw refuse(
      `the views have different keys (${all}); name the columns that may not be in two parts, as entity=${first.join(',')}:${shares.join('/')}`,
    );
  }
  return { kind: 'entity', shares, columns: first };
}
