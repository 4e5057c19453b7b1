import type { Config } from '../config.ts';
import { homeAt } from './home.ts';
import { isRunning } from './process.ts';
import type { Server } from './server.ts';
import type { ServerName } from './server-name.ts';
import { silentText, startAgainText, unusableText } from './server-problems.ts';
import { SERVERS } from './servers.ts';
import { readState } from './state.ts';

export interface ServerStatus {
  readonly name: ServerName;
  /** `ended` is a server that was left running and runs no more, without having been stopped. */
  readonly state: 'running' | 'stopped' | 'ended' | 'unhealthy';
  /** Given by address in the environment rather than embedded. */
  readonly given: boolean;
  /** host:port without secrets; null when it does not run. */
  readonly address: string | null;
  readonly pid: number | null;
  /** What is wrong and what to do, in a sentence; null of one that runs or was stopped. */
  readonly problem: string | null;
}

/** Asks each server; starts and changes nothing. */
export function stackStatus(config: Config): Promise<readonly ServerStatus[]> {
  return Promise.all(SERVERS.map((server) => statusOf(server, config)));
}

async function statusOf(server: Server, config: Config): Promise<ServerStatus> {
  const home = homeAt(config.home);
  const base = { name: server.name, given: false, address: null, pid: null, problem: null };
  const given = server.given(config);
  if (given !== null) {
    const cause = await failureOf(server, given, config);
    const told = { ...base, given: true, address: withoutSecrets(given) };
    if (cause === null) return { ...told, state: 'running' };
    return { ...told, state: 'unhealthy', problem: unusableText(server, cause) };
  }
  const noted = readState(home).servers[server.name];
  if (noted === undefined) return { ...base, state: 'stopped' };
  if (!isRunning(noted)) {
    // The others are looked after by their owner, or went with it.
    if (noted.owner !== null) return { ...base, state: 'stopped' };
    return { ...base, state: 'ended', problem: startAgainText(server, noted, home) };
  }
  const told = { ...base, address: withoutSecrets(noted.address), pid: noted.pid };
  if ((await failureOf(server, noted.address, config)) === null) return { ...told, state: 'running' };
  return { ...told, state: 'unhealthy', problem: silentText(server, noted, home) };
}

async function failureOf(server: Server, address: string, config: Config): Promise<unknown> {
  return await server.probe(address, config).then(
    () => null,
    (error: unknown) => error ?? 'no answer',
  );
}

function withoutSecrets(address: string): string {
  return URL.canParse(address) && address.includes('//') ? new URL(address).host : address;
}
