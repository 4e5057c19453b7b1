import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { TidemarkError } from '../../core/errors.ts';
import { scheduleOf } from '../../core/schedule.ts';
import {
  addDuration,
  durationOf,
  formatTime,
  type Micros,
  subtractDuration,
  systemClock,
} from '../../core/time.ts';
import { type CliContext, outputOf } from '../context.ts';
import { withExample, withJson } from '../options.ts';

/** A repository that plans, applies and materializes as it stands; its data is a small CSV file. */
export function registerInit(program: Command, context: CliContext): void {
  withExample(
    withJson(
      program
        .command('init')
        .description('make a feature repository to start from')
        .argument('<folder>', 'a folder that does not exist or is empty'),
    ),
    'tidemark init feature_repo/shop',
  ).action(async (folder: string, options: { json?: boolean }) => {
    const dir = resolve(context.cwd, folder);
    const name = basename(dir)
      .toLowerCase()
      .replace(/[^a-z0-9_]/g, '_')
      .replace(/^(?![a-z])/, 'p_');
    const file = join(dir, 'definitions.ts');
    if (existsSync(file)) {
      throw new TidemarkError(
        'REQUEST_INVALID',
        `Cannot make a feature repository in ${folder}: definitions.ts is there already.`,
      );
    }
    await mkdir(join(dir, 'data'), { recursive: true });
    const start = startDay(systemClock());
    await writeFile(file, definitions(name, formatTime(start)));
    await writeFile(join(dir, 'data', 'orders.csv'), orders(start));
    outputOf(context, options).facts(
      { dir, project: name, files: ['definitions.ts', 'data/orders.csv'] },
      () => [
        `Made project ${name} in ${folder}: definitions.ts and data/orders.csv.`,
        `Next: tidemark plan --repo ${folder}, then tidemark apply and tidemark materialize user_orders.`,
      ],
    );
  });
}

/** The first of the last twelve days, so that there is something to see today. */
function startDay(now: Micros): Micros {
  return scheduleOf('0 0 * * *').floor(subtractDuration(now, durationOf('12d')));
}

function definitions(project: string, start: string): string {
  return `import { avg, batchFeatureView, count, csvSource, entity, featureService, project, sum } from 'tidemark';

export const thisProject = project({ name: '${project}' });

export const user = entity({ name: 'user', joinKeys: { user_id: 'int64' } });

export const orders = csvSource({
  name: 'orders',
  path: 'data/orders.csv',
  timestampField: 'ordered_at',
});

export const userOrders = batchFeatureView({
  name: 'user_orders',
  version: 1,
  entities: [user],
  source: orders,
  schedule: '0 * * * *',
  startTime: '${start}',
  aggregations: {
    orders_30d: count('30d'),
    spend_30d: sum('amount', '30d'),
    avg_order_30d: avg('amount', '30d'),
  },
  description: 'A month of a user at a glance',
});

export const recommender = featureService({ name: 'recommender', features: [userOrders] });
`;
}

/** Forty orders of five users, one every six hours from `start` on. */
function orders(start: Micros): string {
  const rows = Array.from({ length: 40 }, (_, index) => {
    const at = addDuration(start, durationOf(`${index * 6 + 1}h`));
    return `${index + 1},${1 + (index % 5)},${formatTime(at)},${(10 + ((index * 7) % 50)).toFixed(2)}`;
  });
  return `order_id,user_id,ordered_at,amount\n${rows.join('\n')}\n`;
}
