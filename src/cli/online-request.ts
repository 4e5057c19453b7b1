import { TidemarkError } from '../core/errors.ts';
import { type Manifest, onDemandViews } from '../core/manifest.ts';
import type { ValueType } from '../core/value-type.ts';

/** What to read: features or a service, and entity rows as `key=value,key=value`. */
export interface OnlineQuestion {
  readonly features?: readonly string[];
  readonly service?: string;
  readonly entity: readonly string[];
  readonly fullNames?: boolean;
}

/** The JSON text of a request whose rows were typed as `key=value,key=value`. */
export function onlineRequest(question: OnlineQuestion, manifest: Manifest): string {
  const rows = question.entity.map(parseRow);
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const types = columnTypes(manifest);
  const columns = names.map((name) => {
    const values = rows.map((row) => {
      const text = row.get(name);
      return text === undefined ? 'null' : jsonOf(text, types.get(name));
    });
    return `${JSON.stringify(name)}:[${values.join(',')}]`;
  });
  const { service, features, fullNames = false } = question;
  const what = service === undefined ? { features } : { feature_service: service };
  const rest = JSON.stringify({ ...what, full_feature_names: fullNames }).slice(1);
  return `{"entities":{${columns.join(',')}},${rest}`;
}

function parseRow(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(',').map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) {
        throw new TidemarkError(
          'REQUEST_INVALID',
          `--entity "${text}" must read key=value or key=value,key=value.`,
        );
      }
      return [pair.slice(0, at).trim(), pair.slice(at + 1)];
    }),
  );
}

/** Of join keys and request fields, by column name. */
function columnTypes(manifest: Manifest): ReadonlyMap<string, ValueType> {
  const keys = manifest.entities.flatMap(({ joinKeys }) => joinKeys);
  const fields = onDemandViews(manifest).flatMap(({ inputs }) =>
    inputs.flatMap((input) => (input.kind === 'request' ? input.fields : [])),
  );
  return new Map([...fields, ...keys].map(({ name, type }) => [name, type]));
}

/** Numbers stay as typed, so that an int64 is exact; what is no number goes as text, and the server says so. */
function jsonOf(text: string, type: ValueType | undefined): string {
  const bare =
    type !== undefined &&
    /^(int|float|bool)/.test(type) &&
    /^(-?\d+(\.\d+)?(e[+-]?\d+)?|true|false)$/i.test(text);
  return bare ? text : JSON.stringify(text);
}
