import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './code-blocks.ts';

/** What `--help` says of one command. */
export interface CommandHelp {
  readonly subcommands: readonly string[];
  readonly options: readonly OptionHelp[];
  /** Positional arguments: how many are needed, and how many may be given. */
  readonly needed: number;
  readonly most: number;
}

export interface OptionHelp {
  readonly names: readonly string[];
  readonly value: 'none' | 'needed' | 'optional';
  readonly choices: readonly string[] | null;
}

/** Gives the text of `tidemark <command…> --help`. */
export type AskHelp = (command: readonly string[]) => Promise<string>;

/** Asks the command as users have it, once for each subcommand. */
export function askRealHelp(): AskHelp {
  const answers = new Map<string, Promise<string>>();
  return (command) => {
    const key = command.join(' ');
    const answer = answers.get(key) ?? help(command);
    answers.set(key, answer);
    return answer;
  };
}

async function help(command: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, 'bin/tidemark'), ...command, '--help'],
    { cwd: ROOT },
  );
  return stdout;
}

/** What is wrong with `tidemark <words>`; empty when the command would take it. */
export async function cliProblems(words: readonly string[], ask: AskHelp): Promise<readonly string[]> {
  const command: string[] = [];
  let described = readHelp(await ask(command));
  let rest = [...words];
  while (described.subcommands.length > 0) {
    const [next, ...others] = rest;
    if (next === undefined) return [`${said(command)} needs a command: ${described.subcommands.join(', ')}`];
    if (next.startsWith('-')) break;
    if (!described.subcommands.includes(next)) {
      return [`${said(command)} has no command "${next}": it has ${described.subcommands.join(', ')}`];
    }
    command.push(next);
    rest = others;
    described = readHelp(await ask(command));
  }
  return argumentProblems(said(command), rest, described);
}

function argumentProblems(name: string, words: readonly string[], described: CommandHelp): readonly string[] {
  const problems: string[] = [];
  let positional = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      positional += words.length - at - 1;
      break;
    }
    if (!/^-{1,2}[a-zA-Z]/.test(word)) {
      positional++;
      continue;
    }
    const [option = word, inline] = word.split(/=(.*)/s);
    const found = described.options.find(({ names }) => names.includes(option));
    if (found === undefined) {
      problems.push(`${name} has no option ${option}`);
      continue;
    }
    if (option === '--help' || option === '--version') return problems;
    const next = words[at + 1];
    const value = inline ?? (found.value === 'none' || next?.startsWith('--') ? undefined : next);
    if (found.value === 'none' && inline !== undefined) problems.push(`${name} ${option} takes no value`);
    if (found.value === 'needed' && value === undefined) problems.push(`${name} ${option} needs a value`);
    if (value !== undefined && found.choices !== null && !found.choices.includes(value)) {
      problems.push(`${name} ${option} takes ${found.choices.join(', ')}, not "${value}"`);
    }
    if (value !== undefined && inline === undefined) at++;
  }
  if (positional < described.needed) problems.push(`${name} needs ${described.needed} argument(s)`);
  if (positional > described.most) problems.push(`${name} takes at most ${described.most} argument(s)`);
  return problems;
}

/** Reads commander's help; a description may go on over several lines. */
export function readHelp(text: string): CommandHelp {
  const usage = /^Usage: (.*(?:\n {2,}\S.*)*)$/m.exec(text)?.[1];
  if (usage === undefined) throw new Error(`Cannot read the help: it has no usage line.\n${text}`);
  const positional = [...usage.matchAll(/(?<=\s)(<[^>]+>|\[[^\]]+\])/g)]
    .map(([argument]) => argument)
    .filter((argument) => argument !== '[options]' && argument !== '[command]');
  return {
    subcommands: entries(text, 'Commands').flatMap((entry) => /^[\w-]+/.exec(entry)?.[0] ?? []),
    options: entries(text, 'Options').map(readOption),
    needed: positional.filter((argument) => argument.startsWith('<')).length,
    most: positional.some((argument) => argument.includes('...'))
      ? Number.POSITIVE_INFINITY
      : positional.length,
  };
}

function readOption(entry: string): OptionHelp {
  const [flags = ''] = entry.split(/ {2,}/);
  const choices = /\(choices: ((?:"[^"]*"(?:, )?)+)/.exec(entry)?.[1];
  return {
    names: flags.split(/,? /).filter((part) => part.startsWith('-')),
    value: flags.includes('<') ? 'needed' : flags.includes('[') ? 'optional' : 'none',
    choices:
      choices === undefined ? null : [...choices.matchAll(/"([^"]*)"/g)].map(([, choice = '']) => choice),
  };
}

/** The entries of one section of a help text, each on one line. */
function entries(text: string, section: string): readonly string[] {
  const lines = text.split('\n');
  const start = lines.indexOf(`${section}:`);
  if (start === -1) return [];
  const end = lines.findIndex((line, index) => index > start && !line.startsWith(' '));
  return lines
    .slice(start + 1, end === -1 ? lines.length : end)
    .join('\n')
    .replaceAll(/\n {3,}/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function said(command: readonly string[]): string {
  return ['tidemark', ...command].join(' ');
}
