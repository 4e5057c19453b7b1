// Started by online-read.ts as a process of its own: clients that ask a server for random entities.
import { httpLoadClient } from '../src/cli/http-load-client.ts';
import { type LoadFigures, measureLoad } from '../src/cli/measure-load.ts';

export interface LoadRequest {
  readonly url: string;
  readonly references: readonly string[];
  /** Ids from 0 to this are there. */
  readonly entities: number;
  readonly perRequest: number;
  readonly connections: number;
  readonly seconds: number;
}

const load = JSON.parse(process.argv[2] ?? '') as LoadRequest;
// Made beforehand, so that clients take as little of the machine as they can.
const bodies = Array.from({ length: 200 }, () =>
  JSON.stringify({
    features: load.references,
    entities: {
      user_id: Array.from({ length: load.perRequest }, () => Math.floor(Math.random() * load.entities)),
    },
  }),
);
const run = (seconds: number): Promise<LoadFigures> =>
  measureLoad({
    clients: load.connections,
    warmUpSeconds: 0,
    seconds,
    open: () => httpLoadClient(new URL(load.url), bodies),
  });

await run(load.seconds / 3);
process.send?.('warm');
process.once('message', async () => {
  const figures = await run(load.seconds);
  process.send?.(figures, () => process.disconnect());
});
