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

/** Gives the columns of a Parquet file names that DuckDB does not write, as other writers do. */
export async function renameParquetColumns(
  path: string,
  names: Readonly<Record<string, string>>,
): Promise<void> {
  const file = await open(path);
  const { footer, at } = await readFooter(file);
  await file.close();
  const elements = structsOf(footer, FILE.schema).map((element) => {
    const name = names[String(element.get(SCHEMA_ELEMENT.name)?.value)];
    return name === undefined ? element : withFields(element, { [SCHEMA_ELEMENT.name]: Buffer.from(name) });
  });
  const renamed = endOfFile(withItems(footer, FILE.schema, elements));
  await writeFile(path, Buffer.concat([(await readFile(path)).subarray(0, at), renamed]));
}
