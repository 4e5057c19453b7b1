import { type Command, InvalidArgumentError } from 'commander';
import { type CliContext, type CommonOptions, withSession } from '../context.ts';
import { withExample, withRepo } from '../options.ts';
import { serveHere } from '../serve-here.ts';
import { untilAborted } from '../until-aborted.ts';

export function registerServe(program: Command, context: CliContext): void {
  withExample(
    withRepo(
      program
        .command('serve')
        .description('answer POST /get-online-features, GET /health and GET /metrics until stopped')
        .option('--port <port>', 'default: TIDEMARK_PORT, else 6566; 0 for any free one', portNumber),
    ),
    'tidemark serve --repo feature_repo/flights --port 6566',
  ).action(async (options: CommonOptions & { readonly port?: number }) => {
    await withSession(context, options, async (session) => {
      const server = await serveHere(session, options.port);
      session.output.say(`Serving ${session.repo.project.name} on ${server.url}. Stop with Ctrl-C.`);
      await untilAborted(context.signal);
      await server.close();
    });
  });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('a port from 0 to 65535 is needed.');
  return port;
}
