import { join } from 'node:path';
import { readReplay } from './replay-state.ts';

/** Where the replayed data lies; another place by FLIGHTS_LIVE_DIR. */
export const LIVE_DIR = process.env.FLIGHTS_LIVE_DIR ?? join(import.meta.dirname, 'live');

/** The first day of the replayed data: where every view's intervals begin. */
export const DATA_BEGINS = readReplay(LIVE_DIR).start;
