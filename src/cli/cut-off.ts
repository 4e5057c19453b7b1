import type { Streams } from './output.ts';

/**
 * Calls `action` when nobody reads the output any more (`tidemark … | head`, a terminal that was closed). Without this
 * the next word would end the process on the spot, and what it has started would stay. What is said after that is lost.
 */
export function whenCutOff({ stdout, stderr }: Streams, action: () => void): void {
  // Never taken off again: a word said last fails after the command has ended.
  for (const stream of [stdout, stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
      action();
    });
}
