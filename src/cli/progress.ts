import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import type { Output } from './output.ts';

/** Progress of several pieces of long work at once: bars on a terminal, a plain line now and then elsewhere. */
export interface ProgressBoard {
  /** Tells how far a piece is; `total` may grow. */
  update(name: string, done: number, total: number, detail?: string): void;
  stop(): void;
}

const LINE_EVERY_MILLIS = 5000;

export function createProgressBoard(output: Output): ProgressBoard {
  return output.interactive ? bars() : plainLines(output);
}

function bars(): ProgressBoard {
  const board = new MultiBar(
    {
      format: '{name} {bar} {value}/{total} {detail}',
      hideCursor: true,
      clearOnComplete: false,
      stream: process.stderr,
    },
    Presets.shades_grey,
  );
  const known = new Map<string, SingleBar>();
  return {
    update(name, done, total, detail = '') {
      const payload = { name: name.padEnd(24), detail };
      const bar = known.get(name);
      if (bar === undefined) known.set(name, board.create(total, done, payload));
      else {
        bar.setTotal(total);
        bar.update(done, payload);
      }
    },
    stop: () => board.stop(),
  };
}

function plainLines(output: Output): ProgressBoard {
  const said = new Map<string, { readonly at: number; readonly done: number }>();
  return {
    update(name, done, total, detail = '') {
      const last = said.get(name);
      const now = performance.now();
      const finished = done >= total && total > 0;
      if (last !== undefined && (last.done === done || (!finished && now - last.at < LINE_EVERY_MILLIS)))
        return;
      said.set(name, { at: now, done });
      output.say(`${name}: ${done}/${total} ${detail}`.trimEnd());
    },
    stop() {},
  };
}
