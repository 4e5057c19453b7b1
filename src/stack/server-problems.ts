import { messageOf } from '../core/errors.ts';
import type { Home } from './home.ts';
import type { ServerProcess } from './process.ts';
import type { Server } from './server.ts';

/** One given by address that does not do its work, and what to do. */
export function unusableText({ title, variable }: Server, cause: unknown): string {
  return `Cannot use the ${title} of ${variable}: ${reasonOf(cause)}. Start that server or correct the address; without ${variable}, Tidemark starts a ${title} of its own.`;
}

/** One of a detached stack, which nobody watches. */
export function endedText({ title }: Server, { pid }: ServerProcess): string {
  return `${title} (process ${pid}), left running by tidemark stack up, has ended`;
}

/** The same, with what to do. */
export function startAgainText(server: Server, process: ServerProcess, home: Home): string {
  return `${endedText(server, process)}: tidemark stack up starts it again, at its port and with its data. Its log is ${home.log(server.name)}.`;
}

export function silentText({ name, title }: Server, { pid }: ServerProcess, home: Home): string {
  return `${title} (process ${pid}) does not answer: tidemark stack up replaces it when it goes on like that. Its log is ${home.log(name)}.`;
}

export function reasonOf(thrown: unknown): string {
  return messageOf(thrown).trim().split('\n')[0]?.replace(/\.$/, '') || 'it does not answer';
}
