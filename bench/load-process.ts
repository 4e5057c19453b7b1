import { fork } from 'node:child_process';
import { join } from 'node:path';
import { type LoadFigures, percentile } from '../src/cli/measure-load.ts';
import type { World } from './benchmark.ts';
import type { LoadRequest } from './http-load.ts';
import { entitiesOf, REFERENCES } from './profile-view.ts';

export const CONNECTIONS = 8;

export interface LoadProcess {
  run(): Promise<LoadFigures>;
}

/** Clients in a process of their own, which have warmed the server up already and wait to be let go. */
export async function startLoad(
  world: World,
  request: Pick<LoadRequest, 'perRequest' | 'seconds'> & { readonly url: string },
): Promise<LoadProcess> {
  const whole: LoadRequest = {
    ...request,
    url: `${request.url}/get-online-features`,
    references: REFERENCES,
    entities: entitiesOf(world),
    connections: CONNECTIONS,
  };
  const load = fork(join(import.meta.dirname, 'http-load.ts'), [JSON.stringify(whole)]);
  const told = () =>
    new Promise<unknown>((resolve, reject) => {
      load.once('message', resolve);
      load.once('exit', (code) => reject(new Error(`the clients ended with ${code}`)));
    });
  await told();
  return {
    async run() {
      const result = told();
      load.send('start');
      return (await result) as LoadFigures;
    },
  };
}

/** In seconds. */
export function percentileOf(figures: LoadFigures, share: number): number {
  return percentile(figures, share) / 1000;
}
