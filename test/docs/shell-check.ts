import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type AskHelp, cliProblems } from './cli-usage.ts';
import { ROOT } from './code-blocks.ts';
import { curlProblems } from './http-usage.ts';
import { nameOf, type ShellCommand } from './shell-commands.ts';

export interface ShellCheck {
  readonly askHelp: AskHelp;
  readonly app: FastifyInstance;
}

/** Commands of others, which documents may name as they like. */
const UNCHECKED = ['cd', 'git', 'docker', 'cat', 'ls', 'kill', 'psql', 'redis-cli'];

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
/** Where the environment is read. */
const environment = ['src/config.ts', 'src/cli/context.ts']
  .map((path) => readFileSync(join(ROOT, path), 'utf8'))
  .join('\n');

/** What is wrong with one command of a document, each with its place. */
export async function shellProblems(command: ShellCommand, check: ShellCheck): Promise<readonly string[]> {
  const problems = [...variableProblems(command.variables), ...(await commandProblems(command.words, check))];
  return problems.map((problem) => `${command.where}: ${problem}`);
}

async function commandProblems(words: readonly string[], check: ShellCheck): Promise<readonly string[]> {
  const [name = '', ...args] = words;
  const [first = '', ...rest] = args;
  if (name === 'npm') return await npmProblems(args, check);
  if (name === 'curl') return curlProblems(args, check.app);
  if (name === 'export') return variableProblems(args.filter((arg) => arg.includes('=')).map(nameOf));
  if (isTidemark(name)) return await cliProblems(args, check.askHelp);
  if (name === 'npx' || name === 'node') {
    if (isTidemark(first)) return await cliProblems(rest, check.askHelp);
    const file = args.find((arg) => !arg.startsWith('-')) ?? '';
    return missing(name === 'npx' ? `node_modules/.bin/${file}` : file);
  }
  if (name.includes('/')) return missing(name);
  if (UNCHECKED.includes(name)) return [];
  return [`no check knows the command "${name}"; teach it to test/docs/shell-check.ts`];
}

async function npmProblems(args: readonly string[], check: ShellCheck): Promise<readonly string[]> {
  const [first = '', ...others] = args;
  if (['ci', 'install'].includes(first)) return [];
  const [script = '', ...rest] = first === 'run' ? others : args;
  if (!Object.hasOwn(scripts, script)) return [`package.json has no script "${script}"`];
  const dashes = rest.indexOf('--');
  const taken = (dashes === -1 ? rest : rest.slice(0, dashes)).filter((arg) => arg.startsWith('-'));
  if (taken.length > 0) return [`npm takes ${taken.join(' ')} for itself: put -- before it`];
  const passed = rest.filter((_arg, index) => index !== dashes);
  // `npm start` is `tidemark dev`; `npm test` takes files.
  if (script === 'start') return await cliProblems(['dev', ...passed], check.askHelp);
  return passed.filter((arg) => arg.includes('/')).flatMap(missing);
}

function variableProblems(names: readonly string[]): readonly string[] {
  return names
    .filter((name) => name !== 'HOME' && !new RegExp(`\\b${name}\\b`).test(environment))
    .map((name) => `Tidemark reads no variable ${name}`);
}

function isTidemark(name: string): boolean {
  return name === 'tidemark' || name.endsWith('bin/tidemark');
}

function missing(path: string): readonly string[] {
  return existsSync(join(ROOT, path)) ? [] : [`there is no file ${path}`];
}
