import { Client, Connection } from '@temporalio/client';
import type { Config } from '../config.ts';
import { messageOf, TidemarkError } from '../core/errors.ts';

export interface TemporalSettings
  extends Pick<Config, 'temporalNamespace' | 'temporalTls' | 'temporalApiKey'> {
  readonly temporalAddress: string;
}

/** What both of the SDK's connections take; an API key implies TLS. */
export function connectionOptions(settings: TemporalSettings) {
  const { temporalAddress, temporalTls, temporalApiKey } = settings;
  return {
    address: temporalAddress,
    ...(temporalTls || temporalApiKey !== null ? { tls: true as const } : {}),
    ...(temporalApiKey === null ? {} : { apiKey: temporalApiKey }),
  };
}

export interface TemporalClient {
  readonly client: Client;
  /** STORE_UNAVAILABLE unless Temporal answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** STORE_UNAVAILABLE when nothing answers at the address. */
export async function connectTemporal(settings: TemporalSettings): Promise<TemporalClient> {
  try {
    const connection = await Connection.connect({
      ...connectionOptions(settings),
      connectTimeout: '5 seconds',
    });
    const client = new Client({ connection, namespace: settings.temporalNamespace });
    return {
      client,
      ping: async () => {
        await connection.workflowService.getSystemInfo({}).catch((error: unknown) => {
          throw unreachable(settings, error);
        });
      },
      close: () => connection.close(),
    };
  } catch (error) {
    throw unreachable(settings, error);
  }
}

function unreachable({ temporalAddress }: TemporalSettings, error: unknown): TidemarkError {
  return new TidemarkError(
    'STORE_UNAVAILABLE',
    `Cannot reach Temporal at ${temporalAddress}: ${messageOf(error)}. Check TEMPORAL_ADDRESS, or unset it to use the embedded server.`,
    { cause: error },
  );
}
