import { isErrorCode, TidemarkError } from '../core/errors.ts';
import { parseExactJson } from '../core/exact-json.ts';
import { createApp } from '../server/app.ts';
import { watchRegistry } from '../serving/registry-watch.ts';
import type { Session } from './context.ts';
import { type OnlineQuestion, onlineRequest } from './online-request.ts';
import { table } from './output.ts';

export interface OnlineAnswer {
  readonly metadata: { readonly feature_names: readonly string[] };
  readonly results: readonly {
    readonly values: readonly unknown[];
    readonly statuses: readonly string[];
    readonly event_timestamps: readonly string[];
  }[];
}

export interface ReadOnline {
  readonly answer: OnlineAnswer;
  /** The same for output as JSON: a whole float keeps its point there, as the server writes it. */
  readonly json: unknown;
}

/** Asks the very routes that `serve` answers with, without a network in between. */
export async function readOnline({ platform, repo }: Session, question: OnlineQuestion): Promise<ReadOnline> {
  const { clock } = platform;
  const registry = await watchRegistry({
    registry: await platform.registry(),
    project: repo.project.name,
    clock,
  });
  const app = createApp({ registry, online: await platform.online(), functions: repo.onDemand, clock });
  try {
    const { statusCode, body } = await app.inject({
      method: 'POST',
      url: '/get-online-features',
      payload: onlineRequest(question, registry.current().manifest),
    });
    const parsed: unknown = parseExactJson(body);
    if (statusCode === 200) return { answer: parsed as OnlineAnswer, json: withWholeFloats(body) };
    const { error } = parsed as { error: { code: string; message: string } };
    throw asError(error);
  } finally {
    await app.close();
    await registry.close();
  }
}

type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** TypeScript's libraries do not know it yet. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

function withWholeFloats(body: string): unknown {
  const reviver: SourceReviver = (_key, value, { source = '' }) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return value;
    if (!/^-?\d+$/.test(source)) return rawJSON(source);
    return Number.isSafeInteger(value) ? value : BigInt(source);
  };
  return JSON.parse(body, reviver as Parameters<typeof JSON.parse>[1]);
}

function asError({ code, message }: { readonly code: string; readonly message: string }): TidemarkError {
  return new TidemarkError(isErrorCode(code) ? code : 'INTERNAL', message);
}

/** One line per entity row. */
export function answerLines({ metadata, results }: OnlineAnswer): readonly string[] {
  const rows = results[0]?.values.length ?? 0;
  const cell = (column: number, row: number) => {
    const { values, statuses } = results[column] ?? { values: [], statuses: [] };
    const status = statuses[row] ?? '';
    return status === 'PRESENT' ? String(shown(values[row])) : status.toLowerCase();
  };
  return table([
    metadata.feature_names,
    ...Array.from({ length: rows }, (_, row) => metadata.feature_names.map((_, column) => cell(column, row))),
  ]);
}

function shown(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isInteger(value)) return Number(value.toPrecision(6));
  return Array.isArray(value) ? JSON.stringify(value) : value;
}
