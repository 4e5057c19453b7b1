import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { serveHere } from '../../src/cli/serve-here.ts';
import { appliedProject } from '../support/project.ts';

const definitions = `
export const thisProject = project({ name: '<project>' });
export const orders = pushSource({ name: 'orders', columns: { user_id: 'int64' }, timestampField: 'at' });
`;

test('a server whose port is taken leaves nothing open of what it would have written with', async () => {
  const project = await appliedProject({ definitions, data: {} });
  const { platform } = project;
  const opened = Promise.withResolvers<void>();
  let closed = 0;
  const session = {
    ...project,
    platform: {
      ...platform,
      pushLog: async (options: Parameters<typeof platform.pushLog>[0]) => {
        const log = await platform.pushLog(options);
        opened.resolve();
        return {
          ...log,
          close: async () => {
            await log.close();
            closed += 1;
          },
        };
      },
    },
  };
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  await expect(serveHere(session, port)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await opened.promise;
  expect(closed).toBe(1);
  other.close();
});
