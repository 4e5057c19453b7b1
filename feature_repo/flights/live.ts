import { resolve } from 'node:path';
import { readReplay } from './replay-state.ts';

/** Where the replayed data lies, relative to this folder; another place by FLIGHTS_LIVE_DIR. */
export const LIVE_DIR = process.env.FLIGHTS_LIVE_DIR ?? 'live';

/** The first day of the replayed data: where every view's intervals begin. */
export const DATA_BEGINS = readReplay(resolve(import.meta.dirname, LIVE_DIR)).start;
