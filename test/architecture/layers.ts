/**
 * The arrows of the house: what each layer may import besides itself.
 *
 * A layer is a folder with what is under it, or a file; the longest name that fits a file is its layer. `type x`
 * allows `import type` only. A package stands for all of its paths, and `node:*` for all that Node brings along.
 *
 *     core ← define, plan ← ports ← adapters
 *     ports ← services (materialize, training, serving, monitor, migrate) ← activities ← worker
 *     workflows → core, and types
 *     compose → adapters;  cli → everything but adapters;  nothing → cli
 */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  // The pure rules, and what is written down with them. Nothing here knows of servers, files or the clock.
  'src/core': ['cron-parser', 'node:crypto'],
  'src/define': ['src/core'],
  'src/repo': ['src/core', 'src/define', 'node:*'],
  'src/plan': [
    'src/core',
    'src/define',
    'type src/repo',
    'zod',
    // A plan is made of what the ports know, asked through their interfaces; nothing of them is loaded, but for the
    // arithmetic of ledger states, which is pure.
    'type src/ledger',
    'type src/offline',
    'type src/registry',
    'src/ledger/watermark.ts',
  ],

  // Ports: interfaces, and pure functions of what they speak in.
  'src/registry': ['src/core'],
  'src/ledger': ['src/core'],
  // A staged file is what the offline side makes and the ledger records.
  'src/offline': ['src/core', 'type src/ledger'],
  'src/online': ['src/core'],
  // Takes rows as serving gives them.
  'src/push': ['src/core', 'src/online', 'src/serving/json-decoder.ts'],
  'src/monitor/sinks/alert-sink.ts': ['type src/monitor'],

  // Adapters. Those on Postgres share one pool and one way to migrate, which live with the registry's.
  'src/registry/postgres': ['src/core', 'src/registry', 'pg', 'node:*'],
  'src/ledger/postgres': ['src/core', 'src/ledger', 'src/registry/postgres', 'node:*'],
  'src/monitor/postgres': ['src/core', 'src/monitor', 'src/registry/postgres', 'node:*'],
  'src/push/postgres': ['src/core', 'src/ledger', 'src/push', 'src/registry/postgres', 'node:*'],
  // Pushed rows on the local disk, until the offline side makes them files.
  'src/push/segments': ['src/core', 'src/push', 'type src/offline', 'node:*'],
  // What of Parquet no library does: files whose columns are copied as they are, and footers that are added to.
  'src/offline/parquet': ['node:*'],
  // With `pg`, rows of Postgres are copied where DuckDB's own extension cannot be had.
  'src/offline/duckdb': [
    'src/core',
    'src/offline',
    'src/offline/parquet',
    '@duckdb/node-api',
    'apache-arrow',
    'pg',
    'node:*',
  ],
  'src/online/redis': ['src/core', 'src/online', 'ioredis', 'node:*'],
  'src/online/memory': ['src/core', 'src/online'],
  'src/monitor/sinks': ['src/core', 'src/monitor', 'src/monitor/sinks/alert-sink.ts'],

  // Services: they see ports, and of each other what is lower in this list.
  'src/materialize': [
    'src/core',
    'src/ledger',
    'src/offline',
    'src/online',
    'src/registry',
    'node:timers/promises',
  ],
  'src/training': ['src/core', 'src/ledger', 'src/offline', 'src/registry', 'src/materialize', 'node:*'],
  'src/serving': ['src/core', 'src/online', 'src/registry'],
  // Holds what is served against what training sees, with files of its own; no request comes this way.
  'src/serving/check-parity.ts': [
    'src/core',
    'src/ledger',
    'src/offline',
    'src/online',
    'src/materialize',
    'node:*',
  ],
  'src/monitor': [
    'src/core',
    'src/plan',
    'src/ledger',
    'src/registry',
    'src/materialize',
    'src/push',
    'type src/monitor/sinks/alert-sink.ts',
  ],
  'src/migrate': ['src/core', 'src/ledger', 'src/offline', 'src/online', 'src/registry', 'src/materialize'],

  // The Temporal edge. What crosses it (contracts, failures) is below the activities, the rest is above or beside.
  'src/orchestrate/contracts.ts': [
    'type src/core',
    'type src/migrate',
    'type src/registry',
    'type src/training',
  ],
  'src/orchestrate/failures.ts': ['src/core', '@temporalio/common'],
  'src/orchestrate/worker.ts': ['src/core', 'src/orchestrate', 'activities', '@temporalio/worker', 'node:*'],
  'src/orchestrate': [
    'src/core',
    'type src/config.ts',
    'type src/orchestrate/contracts.ts',
    'src/orchestrate/failures.ts',
    '@temporalio/client',
    '@temporalio/common',
    'node:*',
  ],
  activities: [
    'src/core',
    'src/ledger',
    'src/offline',
    'src/online',
    'src/registry',
    'src/materialize',
    'src/training',
    'src/monitor',
    'src/migrate',
    'type src/push',
    'type src/monitor/sinks/alert-sink.ts',
    'src/orchestrate/contracts.ts',
    'src/orchestrate/failures.ts',
    '@temporalio/activity',
  ],
  // Deterministic: the pure core and the workflow API run here, everything else is a type.
  workflows: [
    'src/core',
    '@temporalio/workflow',
    'type activities',
    'type src/orchestrate/contracts.ts',
    'type src/monitor',
    'type src/training',
  ],

  // The outside.
  'src/config.ts': ['src/core', 'node:*', 'zod'],
  'src/stack': [
    'src/core',
    'type src/config.ts',
    'zod',
    'node:*',
    // Starting a server includes asking it whether it answers.
    'pg',
    'ioredis',
    '@temporalio/client',
    '@temporalio/testing',
  ],
  'src/server': [
    'src/core',
    'src/push',
    'src/serving',
    'type src/online',
    'type src/registry',
    'fastify',
    'p-map',
    'prom-client',
    'zod',
    'node:buffer',
    'node:cluster',
    'node:net',
    'node:stream',
  ],
  // Runs in a user's process, perhaps in a browser: no Node, no servers. How a value is written in JSON is said once.
  'src/client': ['src/core', 'type src/define', 'src/serving/json-decoder.ts', 'zod'],
  'src/index.ts': ['src/core', 'src/define', 'src/client'],
  'src/compose.ts': [
    'src/core',
    'type src/config.ts',
    'type src/stack',
    // Downloads what DuckDB reads other machines with.
    'src/stack/duckdb-extension.ts',
    'type activities',
    'src/registry',
    'src/ledger',
    'src/offline',
    'src/online',
    'src/monitor',
    'src/push',
    'src/monitor/sinks/alert-sink.ts',
    'src/orchestrate',
    'src/push/postgres',
    'src/push/segments',
    'src/registry/postgres',
    'src/ledger/postgres',
    'src/monitor/postgres',
    'src/offline/duckdb',
    'src/online/redis',
    'src/online/memory',
    'src/monitor/sinks',
    'node:*',
  ],
  'src/cli': [
    'package.json',
    'src/core',
    'type src/define',
    'src/repo',
    'src/plan',
    'src/registry',
    'src/ledger',
    'type src/offline',
    'src/materialize',
    'src/training',
    'src/serving',
    'src/serving/check-parity.ts',
    'src/monitor',
    'src/push',
    'src/migrate',
    'src/orchestrate',
    'src/orchestrate/contracts.ts',
    'src/orchestrate/failures.ts',
    'src/orchestrate/worker.ts',
    'src/config.ts',
    'src/compose.ts',
    'src/stack',
    'src/server',
    'commander',
    'cli-progress',
    'pino',
    'node:*',
  ],
};
