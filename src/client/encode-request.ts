import { TidemarkError } from '../core/errors.ts';
import type { FeatureTypes } from '../define/feature-view.ts';
import type { EntityInput, NamedRequest, ServiceRequest, ViewRequest } from './requests.ts';

export type AnyRequest = NamedRequest | ServiceRequest<FeatureTypes> | ViewRequest<FeatureTypes, string>;

/** The body of POST /get-online-features, as text: int64 keeps its digits. */
export function encodeRequest(request: AnyRequest): string {
  const named = 'fullNames' in request || 'aliases' in request ? request : undefined;
  const options = {
    ...selectionOf(request),
    typed: true,
    ...(request.includeExpired === true && { include_expired: true }),
    ...(named?.fullNames === true && { full_feature_names: true }),
    ...(named?.aliases !== undefined && { entity_aliases: named.aliases }),
  };
  return `${JSON.stringify(options).slice(0, -1)},"entities":${encodeEntities(request.entities ?? [{}])}}`;
}

function selectionOf(request: AnyRequest): object {
  if ('view' in request) {
    const { name, version } = request.view.config;
    const features = request.features ?? ['*'];
    return { features: features.map((feature) => `${name}@v${version}:${feature}`) };
  }
  if ('service' in request) {
    const { service } = request;
    return { feature_service: typeof service === 'string' ? service : service.config.name };
  }
  return { features: request.features };
}

function encodeEntities(rows: readonly EntityInput[]): string {
  const names = Object.keys(rows[0] ?? {});
  if (rows.length === 0 || (names.length === 0 && rows.length > 1)) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot read features for ${rows.length === 0 ? 'no entities' : `${rows.length} entities without names`}: give rows with join keys, or leave "entities" out where no view has keys.`,
    );
  }
  const columns = names.map((name) => {
    const values = rows.map((row, index) => encodeValue(own(row, name, index)));
    return `${JSON.stringify(name)}:[${values.join(',')}]`;
  });
  const extra = rows.findIndex((row) => Object.keys(row).length !== names.length);
  if (extra !== -1) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot send entities[${extra}]: it has other names (${Object.keys(rows[extra] ?? {}).join(', ')}) than the first row (${names.join(', ')}).`,
    );
  }
  return `{${columns.join(',')}}`;
}

function own(row: EntityInput, name: string, index: number): EntityInput[string] {
  const value = Object.hasOwn(row, name) ? row[name] : undefined;
  if (value !== undefined) return value;
  throw new TidemarkError('REQUEST_INVALID', `Cannot send entities[${index}]: it has no "${name}".`);
}

function encodeValue(value: EntityInput[string]): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`;
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  if (value instanceof Float32Array) return `[${Array.from(value, encodeValue).join(',')}]`;
  if (Array.isArray(value)) return `[${value.map(encodeValue).join(',')}]`;
  return JSON.stringify(value);
}
