import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addDuration, durationOf, type Micros, micros } from '../core/time.ts';
import type { CommittedWork } from '../ledger/ledger.ts';
import { chooseFiles } from './known-files.ts';

const HOURS = 8;
const hour = (n: number): Micros => addDuration(micros(0n), durationOf(`${n}h`));
const hours = (start: number, end: number) => ({ start: hour(start), end: hour(end) });

/** Work over random ranges, each committed an hour after the one before it; some without rows. */
const histories = fc
  .array(
    fc.record({
      start: fc.integer({ min: 0, max: HOURS - 1 }),
      length: fc.integer({ min: 1, max: HOURS }),
      empty: fc.constantFrom(true, false, false),
    }),
    { maxLength: 8 },
  )
  .map((works) =>
    works.map(({ start, length, empty }, at): CommittedWork => {
      const file = { path: `w${at}`, digest: `sha-${at}`, rows: 1, bytes: 1 };
      return {
        range: hours(start, Math.min(HOURS, start + length)),
        revision: at,
        committedAt: hour(at),
        file: empty ? null : file,
      };
    }),
  );

/** By hour: the path of the last work, null where it has no rows, undefined where there is none. */
function painted(history: readonly CommittedWork[]): readonly (string | null | undefined)[] {
  return Array.from({ length: HOURS }, (_, at) => {
    const last = history.findLast(({ range }) => range.start <= hour(at) && hour(at) < range.end);
    return last && (last.file?.path ?? null);
  });
}

const holds = ({ start, end }: { start: Micros; end: Micros }, at: number) =>
  start <= hour(at) && hour(at) < end;

test('of each hour the last work committed by the cut-off is read, and where there is none what is committed now', () => {
  fc.assert(
    fc.property(histories, fc.integer({ min: -1, max: 8 }), (history, cut) => {
      const known = { kind: 'cutoff', at: micros(hour(0) + BigInt(cut) * 3_600_000_000n) } as const;
      const { changed, earlier } = chooseFiles(history, { range: hours(0, HOURS), knownAt: known });
      const [then, now] = [painted(history.slice(0, cut + 1)), painted(history)];
      const read = now.map((path, at) => {
        if (!changed.some((one) => holds(one, at))) return path;
        const [found = null, ...more] = earlier.filter(({ range }) => holds(range, at));
        expect(more).toEqual([]);
        return found?.path ?? null;
      });
      expect(read).toEqual(now.map((path, at) => (then[at] === undefined ? path : then[at])));
    }),
  );
});

test('work that was replaced is read beside what is committed now where nothing was by the cut-off, and with row anywhere', () => {
  fc.assert(
    fc.property(histories, fc.option(fc.integer({ min: 0, max: 8 })), (history, cut) => {
      const { replaced } = chooseFiles(history, {
        range: hours(0, HOURS),
        knownAt: cut === null ? { kind: 'row' } : { kind: 'cutoff', at: hour(cut) },
      });
      const [then, now] = [painted(history.slice(0, (cut ?? -1) + 1)), painted(history)];
      for (let at = 0; at < HOURS; at++) {
        const paths = replaced.filter(({ range }) => holds(range, at)).map(({ path }) => path);
        const before = history.filter(({ range, file }) => file !== null && holds(range, at));
        const expected = before.flatMap(({ file }) =>
          file === null || file.path === now[at] ? [] : [file.path],
        );
        expect(paths.toSorted()).toEqual(then[at] === undefined ? expected.toSorted() : []);
      }
    }),
  );
});
