import { z } from 'zod';
import { isErrorCode, TidemarkError } from '../core/errors.ts';
import { type ExactJson, parseExactJson } from '../core/exact-json.ts';
import type { FeatureStatus } from '../core/rows.ts';
import { type Micros, timeOf } from '../core/time.ts';
import { isValueType, type Value } from '../core/value-type.ts';
import { jsonDecoder } from '../serving/json-decoder.ts';
import type { NamedFeatureResult } from './requests.ts';

const Answer = z.object({
  metadata: z.object({
    feature_names: z.array(z.string()),
    feature_types: z.array(z.string().refine(isValueType)),
  }),
  results: z.array(
    z.object({
      values: z.array(z.unknown()),
      statuses: z.array(z.enum(['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE', 'INVALID'])),
      event_timestamps: z.array(z.string()),
    }),
  ),
});

const Failure = z.object({
  error: z.object({
    code: z.string().refine(isErrorCode),
    message: z.string(),
    problems: z.array(z.object({ where: z.string(), message: z.string() })).optional(),
  }),
});

const NO_TIME = '1970-01-01T00:00:00Z';

/** Turns the server's columns into rows; `keys` are the names that the entities were given under. */
export function decodeResponse(text: string, keys: ReadonlySet<string>): readonly NamedFeatureResult[] {
  const answer = Answer.safeParse(parse(text));
  if (!answer.success) throw unreadable('it has another shape');
  const { metadata, results } = answer.data;
  const columns = metadata.feature_names.map((name, index) => {
    const type = metadata.feature_types[index];
    const result = results[index];
    if (type === undefined || result === undefined) throw unreadable(`it has no result for "${name}"`);
    const decode = jsonDecoder(type);
    return {
      name,
      // Keys stand first, and no feature has a key's name.
      isKey: keys.has(name),
      statuses: result.statuses,
      times: result.event_timestamps,
      values: result.values.map((json) => {
        const value = decode(json as ExactJson);
        if (value === undefined) throw unreadable(`a value of "${name}" is no ${type}`);
        return value;
      }),
    };
  });
  const rows = columns[0]?.values.length ?? 0;
  return Array.from({ length: rows }, (_, row) => {
    const entity: Record<string, Value> = {};
    const values: Record<string, Value> = {};
    const statuses: Record<string, FeatureStatus> = {};
    const eventTimes: Record<string, Micros | null> = {};
    for (const column of columns) {
      if (column.isKey) {
        entity[column.name] = column.values[row] ?? null;
        continue;
      }
      const time = column.times[row] ?? NO_TIME;
      values[column.name] = column.values[row] ?? null;
      statuses[column.name] = column.statuses[row] ?? 'NOT_FOUND';
      eventTimes[column.name] = time === NO_TIME ? null : timeOf(time);
    }
    return { entity, values, statuses, eventTimes };
  });
}

/** The server's own error, with its code and problems. */
export function decodeFailure(status: number, text: string): TidemarkError {
  const parsed = Failure.safeParse(tryParse(text));
  if (!parsed.success) {
    return new TidemarkError(
      status === 503 || status === 502 || status === 504 ? 'STORE_UNAVAILABLE' : 'INTERNAL',
      `Cannot read features: the server answered ${status} without saying why.`,
    );
  }
  const { code, message, problems = [] } = parsed.data.error;
  return new TidemarkError(code, message, { problems });
}

function parse(text: string): ExactJson {
  try {
    return parseExactJson(text);
  } catch {
    throw unreadable('it is not JSON');
  }
}

function tryParse(text: string): ExactJson | undefined {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

function unreadable(why: string): TidemarkError {
  return new TidemarkError(
    'INTERNAL',
    `Cannot read the server's answer: ${why}. Is it Tidemark of this version?`,
  );
}
