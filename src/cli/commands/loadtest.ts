import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../core/time.ts';
import { type CliContext, type CommonOptions, withSession } from '../context.ts';
import { loadTest, loadTestLines } from '../load-test.ts';
import { withExample, withJson, withRepo } from '../options.ts';

interface LoadTestOptions extends CommonOptions {
  readonly service: string;
  readonly url?: URL;
  readonly entities: readonly number[];
  readonly duration: number;
  readonly connections: number;
  readonly keys?: string;
}

export function registerLoadtest(program: Command, context: CliContext): void {
  withExample(
    withJson(
      withRepo(
        program
          .command('loadtest')
          .description('measure how fast the features of a service are read: latencies and requests a second')
          .requiredOption('--service <name>', 'the feature service to read')
          .option('--url <address>', 'a running server; default: the library, in this process', address)
          .option(
            '--entities <counts>',
            'entities per request, each measured on its own',
            counts,
            [1, 100, 500],
          )
          .option('--duration <time>', 'how long each is measured, such as 10s', seconds, 10)
          .option('--connections <n>', 'requests under way at once', connections, 8)
          .option('--keys <file>', 'entity rows as JSON lines; default: sampled from committed files'),
      ),
    ),
    'tidemark loadtest --service recommender --repo feature_repo/shop',
    'tidemark loadtest --service recommender --url http://127.0.0.1:6567 --entities 1,100 --duration 5s',
  ).action(async (options: LoadTestOptions) => {
    await withSession(context, options, async (session) => {
      const { service, entities, duration, url = null, keys } = options;
      const result = await loadTest(
        {
          service,
          url: url === null ? null : new URL('get-online-features', url),
          entities,
          seconds: duration,
          connections: options.connections,
          keys: keys === undefined ? null : resolve(context.cwd, keys),
          signal: context.signal,
        },
        session,
      );
      session.output.facts(result, () => loadTestLines(result));
    });
  });
}

function address(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw new InvalidArgumentError('an address such as http://127.0.0.1:6567 is needed.');
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

function counts(text: string): readonly number[] {
  const found = text.split(',').map(Number);
  if (found.some((count) => !Number.isInteger(count) || count < 1 || count > 10_000))
    throw new InvalidArgumentError('numbers from 1 to 10000 are needed, such as 1,100,500.');
  return found;
}

function seconds(text: string): number {
  const duration = parseDuration(text);
  if (duration === undefined || duration === 0n)
    throw new InvalidArgumentError('a time such as 10s or 1m is needed.');
  return Number(duration) / 1_000_000;
}

function connections(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 10_000)
    throw new InvalidArgumentError('a number from 1 to 10000 is needed.');
  return count;
}
