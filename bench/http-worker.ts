// Started by serve-workers.ts: one of several servers that share a port.
import type { World } from './benchmark.ts';
import { startServer } from './online-read.ts';

await startServer(JSON.parse(process.argv[2] ?? '') as World);
