import type { Command } from 'commander';
import { startStack, stopStack } from '../../stack/stack.ts';
import { type ServerStatus, stackStatus } from '../../stack/stack-status.ts';
import { type CliContext, configOf, outputOf } from '../context.ts';
import { withExample, withJson } from '../options.ts';
import { table } from '../output.ts';

export function registerStack(program: Command, context: CliContext): void {
  const stack = program.command('stack').description('The embedded Postgres, Redis and Temporal');
  withExample(
    withJson(stack.command('up').description('start what is not running, and leave it running')),
    'tidemark stack up',
  ).action(async (options: { json?: boolean }) => {
    const output = outputOf(context, options);
    const up = await startStack(configOf(context), {
      detached: true,
      onProgress: (text) => output.say(text),
    });
    // The Postgres address holds a password: only the file that may hold it (and --json, asked for) has it whole.
    output.facts(up.addresses, () => [
      ...table(Object.entries(up.addresses).map(([name, address]) => [name, withoutPassword(address)])),
      'Stop it with: tidemark stack down',
    ]);
  });
  withExample(
    withJson(stack.command('down').description('stop the servers of this home')),
    'tidemark stack down',
  ).action(async (options: { json?: boolean }) => {
    const output = outputOf(context, options);
    const stopped = await stopStack(configOf(context), (text) => output.say(text));
    output.facts({ stopped }, () => [
      stopped.length === 0 ? 'Nothing was running.' : `Stopped ${stopped.join(', ')}.`,
    ]);
  });
  withExample(
    withJson(stack.command('status').description('what runs, where')),
    'tidemark stack status',
  ).action(async (options: { json?: boolean }) => {
    const status = await stackStatus(configOf(context));
    outputOf(context, options).facts(status, () => statusLines(status));
  });
}

function statusLines(status: readonly ServerStatus[]): readonly string[] {
  const rows = status.map(({ name, state, address, pid, given }) => [
    name,
    state,
    address ?? '-',
    given ? 'given' : String(pid ?? '-'),
  ]);
  const problems = status.flatMap(({ problem }) => (problem === null ? [] : [problem]));
  return [...table([['SERVER', 'STATE', 'ADDRESS', 'PROCESS'], ...rows]), ...problems];
}

function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//');
}
