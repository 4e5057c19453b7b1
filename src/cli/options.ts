import type { Command } from 'commander';

/** The options that nearly every command has, described in one place. */
export function withRepo(command: Command): Command {
  return command.option(
    '--repo <folder>',
    'the feature repository (default: TIDEMARK_REPO, else the current folder)',
  );
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print the result as one JSON document');
}

export function withExample(command: Command, ...examples: readonly string[]): Command {
  const title = examples.length === 1 ? 'Example' : 'Examples';
  return command.addHelpText(
    'after',
    `\n${title}:\n${examples.map((example) => `  $ ${example}`).join('\n')}`,
  );
}
