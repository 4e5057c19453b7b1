import type { Command } from 'commander';
import { isErrorCode, TidemarkError } from '../../core/errors.ts';
import { parseExactJson } from '../../core/exact-json.ts';
import { createApp } from '../../server/app.ts';
import { watchRegistry } from '../../serving/registry-watch.ts';
import { type CliContext, type CommonOptions, type Session, withSession } from '../context.ts';
import { onlineRequest } from '../online-request.ts';
import { withExample, withJson, withRepo } from '../options.ts';
import { table } from '../output.ts';

interface GetOptions extends CommonOptions {
  readonly service?: string;
  readonly entity: readonly string[];
  readonly fullNames?: boolean;
}

interface OnlineAnswer {
  readonly metadata: { readonly feature_names: readonly string[] };
  readonly results: readonly {
    readonly values: readonly unknown[];
    readonly statuses: readonly string[];
    readonly event_timestamps: readonly string[];
  }[];
}

export function registerGet(program: Command, context: CliContext): void {
  withExample(
    withJson(
      withRepo(
        program
          .command('get')
          .description('read features from the online store, as the server would')
          .argument('[features...]', 'view:feature, view@v2:feature or view:*')
          .option('--service <name>', 'a feature service instead of features')
          .option(
            '--entity <row>',
            'key=value[,key=value…]; once per row',
            (row: string, rows: string[]) => [...rows, row],
            [] as string[],
          )
          .option('--full-names', 'name columns view__feature'),
      ),
    ),
    'tidemark get carrier_delays:avg_dep_delay_1d --entity carrier=UA --entity carrier=AA',
    'tidemark get --service churn_model --entity user_id=17 --repo feature_repo/assistant',
  ).action(async (features: readonly string[], options: GetOptions) => {
    await withSession(context, options, async (session) => {
      const answer = await readOnline(session, { ...options, features });
      session.output.facts(answer, () => answerLines(answer));
    });
  });
}

export interface OnlineQuestion {
  readonly features?: readonly string[];
  readonly service?: string;
  readonly entity: readonly string[];
  readonly fullNames?: boolean;
}

/** Asks the very routes that `serve` answers with, without a network in between. */
export async function readOnline(
  { platform, repo }: Session,
  question: OnlineQuestion,
): Promise<OnlineAnswer> {
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
    if (statusCode === 200) return parsed as OnlineAnswer;
    const { error } = parsed as { error: { code: string; message: string } };
    throw asError(error);
  } finally {
    await app.close();
    await registry.close();
  }
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
