import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { TidemarkError } from '../../core/errors.ts';
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
    await writeFile(file, definitions(name));
    await writeFile(join(dir, 'data', 'orders.csv'), orders());
    outputOf(context, options).facts(
      { dir, project: name, files: ['definitions.ts', 'data/orders.csv'] },
      () => [
        `Made project ${name} in ${folder}: definitions.ts and data/orders.csv.`,
        `Next: tidemark plan --repo ${folder}, then tidemark apply and tidemark materialize user_orders.`,
      ],
    );
  });
}

function definitions(project: string): string {
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
  schedule: '0 0 * * *',
  startTime: '2026-01-01T00:00:00Z',
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

function orders(): string {
  const rows = Array.from({ length: 40 }, (_, index) => {
    const day = String(1 + (index % 28)).padStart(2, '0');
    return `${index + 1},${1 + (index % 5)},2026-01-${day}T${String(index % 24).padStart(2, '0')}:30:00Z,${(10 + ((index * 7) % 50)).toFixed(2)}`;
  });
  return `order_id,user_id,ordered_at,amount\n${rows.join('\n')}\n`;
}
