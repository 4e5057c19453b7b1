import { messageOf, TidemarkError } from '../core/errors.ts';
import { createApp } from './app.ts';
import type { AppDependencies } from './dependencies.ts';

export interface ServeOptions extends AppDependencies {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

export interface RunningServer {
  /** `http://127.0.0.1:6566` */
  readonly url: string;
  /** Takes no new requests, finishes those that run, and ends. What was given to it stays open. */
  close(): Promise<void>;
}

/** Listens until closed. CONFIG_INVALID when the address cannot be used (taken, not ours). */
export async function serve({ host, port, ...deps }: ServeOptions): Promise<RunningServer> {
  const app = createApp({ processMetrics: true, ...deps });
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw new TidemarkError(
      'CONFIG_INVALID',
      `Cannot serve on ${host}:${port}: ${messageOf(error)}. Set TIDEMARK_HOST and TIDEMARK_PORT to a free address.`,
      { cause: error },
    );
  }
  const address = app.server.address();
  const taken = address !== null && typeof address === 'object' ? address.port : port;
  const shown = host.includes(':') ? `[${host}]` : host;
  return { url: `http://${shown}:${taken}`, close: () => app.close() };
}
