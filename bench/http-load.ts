// Started by online-read.ts as a process of its own: clients that ask a server for random entities.
import { Agent, request as httpRequest } from 'node:http';

export interface LoadRequest {
  readonly url: string;
  readonly references: readonly string[];
  /** Ids from 0 to this are there. */
  readonly entities: number;
  readonly perRequest: number;
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadResult {
  /** Seconds from sending a request to the last byte of its answer. */
  readonly latencies: readonly number[];
}

const load = JSON.parse(process.argv[2] ?? '') as LoadRequest;
const agent = new Agent({ keepAlive: true, maxSockets: load.connections });
// Made beforehand, so that clients take as little of the machine as they can.
const bodies = Array.from({ length: 100 }, () =>
  JSON.stringify({
    features: load.references,
    entities: {
      user_id: Array.from({ length: load.perRequest }, () => Math.floor(Math.random() * load.entities)),
    },
  }),
);
await clients(load.seconds / 3);
process.send?.({ latencies: [] } satisfies LoadResult);
process.once('message', async () => {
  const latencies = await clients(load.seconds);
  process.send?.({ latencies } satisfies LoadResult, () => {
    agent.destroy();
    process.disconnect();
  });
});

async function clients(seconds: number): Promise<readonly number[]> {
  const latencies: number[] = [];
  const end = performance.now() + seconds * 1000;
  const one = async (client: number) => {
    for (let i = client; performance.now() < end; i++) {
      const began = performance.now();
      await post(bodies[i % bodies.length] ?? '');
      latencies.push((performance.now() - began) / 1000);
    }
  };
  await Promise.all(Array.from({ length: load.connections }, (_, client) => one(client)));
  return latencies;
}

function post(body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = httpRequest(load.url, { method: 'POST', agent, headers }, (response) => {
      response.on('data', () => {});
      response.once('error', reject);
      response.once('end', () =>
        response.statusCode === 200
          ? resolve()
          : reject(new Error(`the server answered ${response.statusCode}`)),
      );
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
