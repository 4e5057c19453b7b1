import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Home } from './home.ts';
import type { ServerName } from './server-name.ts';

const RunningServer = z.object({
  pid: z.number().int().positive(),
  program: z.string().min(1),
  port: z.number().int().positive(),
  address: z.string().min(1),
  /** The process that stops this server when it ends; null when it was left running on purpose. */
  owner: z.number().int().positive().nullable(),
});

const Name = z.enum(['postgres', 'redis', 'temporal']);

const State = z.object({
  servers: z.partialRecord(Name, RunningServer),
  /** Where each was last, also when it does not run: those who use it know no other place. */
  ports: z.partialRecord(Name, RunningServer.shape.port).default({}),
});

export type RunningServer = z.infer<typeof RunningServer>;
type State = z.infer<typeof State>;

/**
 * What runs from a home, and where: a note for the next process, believed only after the pid and the port were asked. It is
 * written the moment a server is spawned, so that a killed parent leaves no server that nobody knows of. Only the
 * holder of the lock writes. It holds the Postgres password, hence the mode.
 */
export function readState(home: Home): State {
  try {
    return State.parse(JSON.parse(readFileSync(home.stateFile, 'utf8')));
  } catch {
    return { servers: {}, ports: {} };
  }
}

export function noteServer(home: Home, name: ServerName, server: RunningServer): void {
  const { servers, ports } = readState(home);
  write(home, { servers: { ...servers, [name]: server }, ports: { ...ports, [name]: server.port } });
}

export function forgetServer(home: Home, name: ServerName): void {
  const { servers, ports } = readState(home);
  if (servers[name] === undefined) return;
  const { [name]: _gone, ...others } = servers;
  write(home, { servers: others, ports });
}

function write(home: Home, state: State): void {
  const draft = `${home.stateFile}.new`;
  writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, home.stateFile);
}
