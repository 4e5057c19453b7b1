import { expect, test } from 'vitest';
import { formatViewVersion, type ViewVersion } from '../core/feature-view.ts';
import { type Micros, timeOf } from '../core/time.ts';
import { noteStreams } from './note-streams.ts';

const clicks: ViewVersion = { project: 'shop', view: 'clicks', version: 1 };
const at = (time: string) => timeOf(`2026-01-01T${time}Z`);

/** Fails the first `failures` times, as a database that is away. */
function progress(failures = 0) {
  const noted: [string, Micros][] = [];
  let left = failures;
  return {
    noted,
    note: async (version: ViewVersion, newest: Micros) => {
      if (left-- > 0) throw new Error('away');
      noted.push([formatViewVersion(version), newest]);
    },
  };
}

test('what comes in a moment is noted once, as the newest of it', async () => {
  const { noted, note } = progress();
  const notes = noteStreams({ note }, 10);
  notes.onStreamed(clicks, at('10:00:00'));
  notes.onStreamed(clicks, at('10:00:02'));
  notes.onStreamed(clicks, at('10:00:01'));
  notes.onStreamed({ ...clicks, version: 2 }, at('09:00:00'));
  await expect
    .poll(() => noted)
    .toEqual([
      ['clicks@v1', at('10:00:02')],
      ['clicks@v2', at('09:00:00')],
    ]);
  await notes.close();
  expect(noted).toHaveLength(2);
});

test('what could not be noted is noted with the next, and what is left when it is closed', async () => {
  const { noted, note } = progress(1);
  const notes = noteStreams({ note }, 5);
  notes.onStreamed(clicks, at('10:00:00'));
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(noted).toEqual([]);
  await notes.close();
  expect(noted).toEqual([['clicks@v1', at('10:00:00')]]);
});
