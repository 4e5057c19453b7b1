import type { Config } from '../config.ts';
import type { Home } from './home.ts';
import type { ServerName } from './server-name.ts';

export type Progress = (text: string) => void;

/** What to run, once the binary is found and the data folder is ready. */
export interface Launch {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  /** Set when the server must not run as the user who starts it. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  args(port: number): readonly string[];
  /** The full address, secrets included. */
  address(port: number): string;
}

/** One server of the embedded stack: how it is given from outside, made ready, and asked whether it answers. */
export interface Server {
  readonly name: ServerName;
  readonly title: string;
  /** The environment variable that replaces it by an address. */
  readonly variable: string;
  /** What makes it shut down cleanly. */
  readonly stopSignal: NodeJS.Signals;
  /** The address from the environment, or null when the stack has to bring it up. */
  given(config: Config): string | null;
  /** Throws STACK_UNAVAILABLE when a binary cannot be found. */
  prepare(context: PrepareContext): Promise<Launch>;
  /** Resolves when the server at `address` does its work; rejects with the reason when it does not. */
  probe(address: string, config: Config): Promise<void>;
}

export interface PrepareContext {
  readonly config: Config;
  readonly home: Home;
  readonly onProgress: Progress;
}
