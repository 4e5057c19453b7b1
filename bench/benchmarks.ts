import type { Benchmark } from './benchmark.ts';

/** Takes minutes: run when it is named. */
export const ONLY_BY_NAME: readonly string[] = ['online-layouts', 'soak'];

export const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  // Loaded when it is needed: what another benchmark loads would count in this one's memory.
  'as-of-join': async () => (await import('./as-of-join.ts')).asOfJoin,
  'as-of-memory': async () => (await import('./as-of-memory.ts')).asOfMemory,
  'as-of-views': async () => (await import('./as-of-memory.ts')).asOfViews,
  'as-of-wide': async () => (await import('./as-of-wide.ts')).asOfWide,
  'as-of-pruning': async () => (await import('./as-of-pruning.ts')).asOfPruning,
  materialize: async () => (await import('./materialize.ts')).materialize,
  publish: async () => (await import('./publish.ts')).publishing,
  'online-layouts': async () => (await import('./online-layouts.ts')).onlineLayouts,
  'online-read': async () => (await import('./online-read.ts')).onlineRead,
  'push-log': async () => (await import('./push-log.ts')).pushLog,
  'serve-workers': async () => (await import('./serve-workers.ts')).serveWorkers,
  backfill: async () => (await import('./backfill.ts')).backfill,
  soak: async () => (await import('./soak.ts')).soak,
};
