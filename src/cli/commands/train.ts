import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { TidemarkError } from '../../core/errors.ts';
import type { FileFormat } from '../../core/source.ts';
import { TABLE_FORMATS, type TableFormat } from '../../core/table-format.ts';
import { formatTime, parseTime } from '../../core/time.ts';
import type { Spine } from '../../offline/as-of-engine.ts';
import { checkLeakage } from '../../training/check-leakage.ts';
import type { LayoutRequest } from '../../training/layout.ts';
import { findTrainingSet } from '../../training/training-set-folder.ts';
import { aliasesOf } from '../alias-option.ts';
import { commandHere } from '../command-here.ts';
import { type CliContext, type CommonOptions, type Session, withSession } from '../context.ts';
import { type LabelOptions, labelOf } from '../label-option.ts';
import { leakageLines } from '../leakage-lines.ts';
import { withExample, withJson, withRepo } from '../options.ts';
import { startTraining, trainHere } from '../train-here.ts';
import { trainingLines } from '../training-lines.ts';
import { withWorker } from '../worker-here.ts';

interface TrainOptions extends CommonOptions, LabelOptions {
  readonly spine?: string;
  readonly query?: string;
  readonly queryOn?: string;
  readonly from?: string;
  readonly to?: string;
  readonly timestamp: string;
  readonly service?: string;
  readonly knownAt: string;
  readonly fullNames?: boolean;
  readonly alias: readonly string[];
  readonly split?: string;
  readonly format: TableFormat;
  readonly rowsPerFile?: number;
  readonly statistics: boolean;
  readonly detach?: boolean;
  readonly cancel?: string;
}

export function registerTrain(program: Command, context: CliContext): void {
  withExample(
    withJson(
      withRepo(
        program
          .command('train')
          .description('build a training set: entity rows joined to features as of their times')
          .argument('[features...]', 'view:feature, view@v2:feature or view:*')
          .option('--service <name>', 'a feature service instead of features')
          .addOption(
            new Option('--spine <file>', 'entity rows: Parquet, CSV or JSON lines; also s3://').conflicts(
              'query',
            ),
          )
          .option('--query <sql>', 'entity rows: a query over the sources of the repository')
          .option(
            '--query-on <variable>',
            'run --query in the Postgres whose address is in this environment variable',
          )
          .addOption(
            new Option(
              '--from <time>',
              'without entity rows: all that the views have from this time on …',
            ).conflicts(['spine', 'query']),
          )
          .addOption(new Option('--to <time>', '… and before this one').conflicts(['spine', 'query']))
          .option('--timestamp <column>', 'the column of entity row times', 'event_timestamp')
          .option(
            '--label <label>',
            'what is to be predicted: a column of the entity rows, or view:feature with a --horizon',
          )
          .option(
            '--horizon <duration>',
            "the label is the feature's newest value up to so long after a row's time, such as 24h; rows for which that is still to come are left out",
          )
          .option(
            '--known-at <when>',
            "'any', 'row' (known at each row's time), or an ISO time as cut-off",
            'any',
          )
          .option('--full-names', 'name columns view__feature')
          .addOption(
            new Option(
              '--alias <alias>',
              'read a view by other columns of the entity rows, its names with a prefix; may be given several times: view:prefix_:key=column',
            )
              .argParser((alias: string, given: readonly string[]) => [...given, alias])
              .default([], 'none'),
          )
          .option(
            '--split <how>',
            'train, validation and test files: time:80/10/10, entity:80/20, or entity=user_id:80/10/10',
          )
          .addOption(
            new Option('--format <format>', 'of the files').choices(TABLE_FORMATS).default('parquet'),
          )
          .addOption(
            new Option('--rows-per-file <count>', 'several files of so many rows (default: one)').argParser(
              wholeNumber,
            ),
          )
          .addOption(
            new Option(
              '--check-leakage',
              'rank the columns by how well each alone predicts the label, and mark those that are too good; the exit code is 0 all the same',
            ).conflicts(['detach', 'cancel']),
          )
          .option('--no-statistics', 'do not write statistics.html beside the data')
          .option('--detach', 'start it and do not wait; the same command again waits for it')
          .option('--cancel <id>', 'stop a running one; nothing is left of it'),
      ),
    ),
    'tidemark train --service churn_model --spine labels.parquet --repo feature_repo/assistant',
    'tidemark train --service churn_model --spine labels.parquet --split time:80/10/10',
    'tidemark train --service churn_model --from 2026-03-01 --to 2026-04-01',
    'tidemark train --service churn_model --spine users.parquet --label subscriptions:cancelled --horizon 30d',
    `tidemark train carrier_delays:flights_1d --query "SELECT carrier, predict_at AS event_timestamp FROM flight_schedule"`,
    'tidemark train origin_activity:flights_1d --alias origin_activity:from_ --alias origin_activity:to_:origin=dest --spine flights.parquet',
    'tidemark train --cancel training-set/$ID',
  ).action(async (features: readonly string[], options: TrainOptions) => {
    const { cancel } = options;
    if (cancel !== undefined) {
      return await withSession(context, options, (session) => commandHere(session, cancel, 'cancel'));
    }
    const spine = spineOf(options, context.cwd);
    const knownAt = knownAtOf(options.knownAt);
    const label = labelOf(options);
    const aliases = aliasesOf(options.alias);
    if (features.length > 0 === (options.service !== undefined)) {
      throw new TidemarkError(
        'REQUEST_INVALID',
        'Name features (view:feature) or a --service, one of the two.',
      );
    }
    await withSession(context, options, async (session) => {
      const asked = {
        spine,
        knownAt,
        fullNames: options.fullNames ?? false,
        ...(aliases.length === 0 ? {} : { aliases }),
        ...(label === undefined ? {} : { label }),
        layout: layoutOf(options),
        statistics: options.statistics,
        features:
          options.service === undefined
            ? ({ kind: 'references', references: features } as const)
            : ({ kind: 'service', service: options.service } as const),
      };
      if (options.detach) {
        const { id } = await startTraining(session, asked);
        return session.output.facts({ id }, () => [`Started ${id}.`]);
      }
      const trained = await withWorker(session, () => trainHere(session, context.signal, asked));
      const leakage =
        options.checkLeakage === true ? await leakageOf(session, trained.id, context.signal) : null;
      session.output.facts(leakage === null ? trained : { ...trained, leakage }, () => [
        ...trainingLines(trained),
        ...(leakage === null ? [] : leakageLines(leakage)),
      ]);
    });
  });
}

async function leakageOf({ platform, repo }: Session, id: string, signal: AbortSignal) {
  const { offline: offlineRoot } = platform.config;
  const manifest = await findTrainingSet(offlineRoot, repo.project.name, id);
  return await checkLeakage(manifest, { ...(await platform.offline()), offlineRoot }, signal);
}

function spineOf({ spine, query, queryOn, from, to, timestamp }: TrainOptions, cwd: string): Spine {
  if (queryOn !== undefined) {
    if (query === undefined) throw new TidemarkError('REQUEST_INVALID', '--query-on needs a --query.');
    return { kind: 'postgres', urlEnv: queryOn, query, timestampField: timestamp };
  }
  if (query !== undefined) return { kind: 'query', query, timestampField: timestamp };
  if (from !== undefined && to !== undefined) return { kind: 'range', from, to, timestampField: timestamp };
  if (from !== undefined || to !== undefined) {
    throw new TidemarkError('REQUEST_INVALID', '--from and --to are given together.');
  }
  if (spine === undefined) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      'Name the entity rows: --spine with a .parquet, .csv or .jsonl file, --query, or --from and --to for all rows of a range.',
    );
  }
  const kind = formatOf(spine);
  if (kind === undefined) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `--spine "${spine}" is neither a .parquet, a .csv nor a .jsonl file.`,
    );
  }
  // The engine says which addresses it reads.
  const isAddress = /^[a-z][a-z0-9+.-]*:\/\//i.test(spine);
  return { kind, path: isAddress ? spine : resolve(cwd, spine), timestampField: timestamp };
}

function formatOf(path: string): FileFormat | undefined {
  if (/\.parquet$/.test(path)) return 'parquet';
  if (/\.csv(\.gz)?$/.test(path)) return 'csv';
  return /\.(jsonl|ndjson)(\.gz)?$/.test(path) ? 'json' : undefined;
}

function layoutOf({ split, format, rowsPerFile }: TrainOptions): LayoutRequest {
  return {
    format,
    ...(split === undefined ? {} : { split }),
    ...(rowsPerFile === undefined ? {} : { rowsPerFile }),
  };
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a whole number of at least 1 is needed.');
}

function knownAtOf(text: string): string {
  if (text === 'any' || text === 'row') return text;
  const time = parseTime(text);
  if (time === undefined) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `--known-at "${text}" is neither any, row, nor an ISO 8601 time.`,
    );
  }
  return formatTime(time);
}
