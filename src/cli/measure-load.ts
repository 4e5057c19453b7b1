/** One client that asks again and again: a connection to a server, or the library. */
export interface LoadClient {
  /** Sends request number `n` and waits for the whole answer; says whether it was served. */
  ask(n: number): Promise<boolean>;
  close(): Promise<void>;
}

export interface LoadOptions {
  readonly clients: number;
  /** Not counted: compilers and caches warm up. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
  open(): Promise<LoadClient>;
  /** Ends the measurement early; what was seen until then counts. */
  readonly signal?: AbortSignal;
}

export interface LoadFigures {
  /** Milliseconds from sending a request to the last byte of its answer, ascending; of served requests only. */
  readonly latencies: readonly number[];
  /** Requests that were refused, or broke. */
  readonly errors: number;
  /** How long it really took. */
  readonly seconds: number;
}

/** Every client sends its next request when the last one is answered, so a slow server is asked less. */
export async function measureLoad(options: LoadOptions): Promise<LoadFigures> {
  const { warmUpSeconds, seconds } = options;
  const clients = await Promise.all(Array.from({ length: options.clients }, () => options.open()));
  try {
    await round(clients, warmUpSeconds, options.signal);
    return await round(clients, seconds, options.signal);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

async function round(
  clients: readonly LoadClient[],
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<LoadFigures> {
  const latencies: number[] = [];
  let errors = 0;
  const start = performance.now();
  const end = start + seconds * 1000;
  const one = async (client: LoadClient, index: number) => {
    for (let n = index; performance.now() < end && signal?.aborted !== true; n += clients.length) {
      const began = performance.now();
      if (await client.ask(n)) latencies.push(performance.now() - began);
      else errors += 1;
    }
  };
  await Promise.all(clients.map(one));
  return {
    latencies: latencies.sort((a, b) => a - b),
    errors,
    seconds: (performance.now() - start) / 1000,
  };
}

/** The smallest latency that so large a share of the requests did not exceed; NaN of none. */
export function percentile({ latencies }: LoadFigures, share: number): number {
  return latencies[Math.max(0, Math.ceil(latencies.length * share) - 1)] ?? Number.NaN;
}
