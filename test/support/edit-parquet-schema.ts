import { open, readFile, writeFile } from 'node:fs/promises';
import {
  endOfFile,
  FILE,
  readFooter,
  SCHEMA_ELEMENT,
  structsOf,
  withFields,
  withItems,
} from '../../src/offline/parquet/parquet-footer.ts';
import type { ThriftStruct, ThriftValue } from '../../src/offline/parquet/thrift-compact.ts';

/** Has the schema of a Parquet file say what DuckDB does not write, as other writers do: fields by column and number. */
export async function editParquetSchema(
  path: string,
  edits: Readonly<Record<string, Readonly<Record<number, ThriftValue>>>>,
): Promise<void> {
  const file = await open(path);
  const { footer, at } = await readFooter(file);
  await file.close();
  const edited = structsOf(footer, FILE.schema).map((element): ThriftStruct => {
    const edit = edits[String(element.get(SCHEMA_ELEMENT.name)?.value)];
    return edit === undefined ? element : withFields(element, edit);
  });
  const end = endOfFile(withItems(footer, FILE.schema, edited));
  await writeFile(path, Buffer.concat([(await readFile(path)).subarray(0, at), end]));
}

/** Gives columns names that DuckDB does not write. */
export async function renameParquetColumns(
  path: string,
  names: Readonly<Record<string, string>>,
): Promise<void> {
  const edits = Object.entries(names).map(([from, to]) => [from, { [SCHEMA_ELEMENT.name]: Buffer.from(to) }]);
  await editParquetSchema(path, Object.fromEntries(edits));
}
