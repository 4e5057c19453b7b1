import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareRecency } from '../../../core/newer.ts';
import { micros } from '../../../core/time.ts';
import { createDuckDb, type DuckDbEngine } from '../engine.ts';
import { BY_STRUCT, byRecency, type RecencyFacts } from './as-of-order.ts';

let db: DuckDbEngine;
beforeAll(async () => {
  db = await createDuckDb({ memory: '200MB', threads: 1, tempDir: join(tmpdir(), 'tidemark-as-of-order') });
});
afterAll(() => db.close());

/** A minute, a century, and more than can be told apart in 64 bits; of whole seconds or not. */
const rows = fc
  .tuple(
    fc.constantFrom(60n, 3_155_760_000n),
    fc.constantFrom(1n, 1_000_000n),
    fc.constantFrom(1n, 1_000_000n),
  )
  .chain(([most, eventUnit, lagUnit]) =>
    fc
      .array(
        fc
          .tuple(
            fc.bigInt(-most, most),
            fc.bigInt(-3n, 3n),
            fc.constantFrom(0n, 7n, most),
            fc.integer({ max: 2, min: 0 }),
          )
          .map(([event, off, lag, revision]) => ({
            eventTime: micros(
              event * eventUnit * (eventUnit === 1n ? 1_000_000n : 1n) + (eventUnit === 1n ? 1n : 0n),
            ),
            lag: (lag + off) * lagUnit,
            revision,
          }))
          .map(({ eventTime, lag, revision }) => ({
            eventTime,
            createdTime: micros(eventTime + lag),
            revision,
          })),
        { minLength: 1, maxLength: 12 },
      )
      .map((all) => ({ all, facts: factsOf(all, eventUnit, lagUnit) })),
  );

function factsOf(
  all: readonly { eventTime: bigint; createdTime: bigint }[],
  eventUnit: bigint,
  lagUnit: bigint,
): RecencyFacts {
  const bounds = (times: readonly bigint[]) => {
    const sorted = times.toSorted((a, b) => (a < b ? -1 : Number(a > b)));
    return { least: sorted[0] ?? 0n, most: sorted.at(-1) ?? 0n };
  };
  return {
    event: bounds(all.map(({ eventTime }) => eventTime)),
    lag: bounds(all.map(({ eventTime, createdTime }) => createdTime - eventTime)),
    eventUnit,
    lagUnit,
    lastRevision: 2,
  };
}

test.each([
  ['packed into an integer', byRecency],
  ['as a struct', () => BY_STRUCT],
] as const)('recency %s orders rows as rule 4 says, and times among them', async (_, orderFor) => {
  await fc.assert(
    fc.asyncProperty(
      rows,
      fc.bigInt(-4n, 4n),
      fc.constantFrom(0n, -5n, 2n ** 61n, -(2n ** 61n)),
      async ({ all, facts }, off, offset) => {
        const order = orderFor(facts);
        const t = (all[0]?.eventTime ?? 0n) - (offset > -10n && offset < 10n ? offset : 0n) + off;
        const values = all
          .map(
            ({ eventTime, createdTime, revision }) =>
              `(make_timestamp(${eventTime}), make_timestamp(${createdTime}), ${revision})`,
          )
          .join(', ');
        const found = await db.withConnection(async (connection) =>
          (
            await connection.runAndReadAll(
              `WITH ordered AS (SELECT ${order.row} AS o, row_number() OVER () AS n FROM (VALUES ${values}) v(__event_time, __created_time, __revision)) ` +
                `SELECT a.n, b.n, a.o < b.o, a.o <= ${order.ceiling(`(${t})::BIGINT`, offset)}, a.o >= ${order.floor(`(${t})::BIGINT`, offset)} FROM ordered a, ordered b`,
            )
          ).getRows(),
        );
        for (const [one, other, less, below, above] of found) {
          const a = all[Number(one) - 1] ?? { eventTime: micros(0n), createdTime: micros(0n), revision: 0 };
          const b = all[Number(other) - 1] ?? a;
          expect(less).toBe(compareRecency(a, b) < 0);
          expect(below).toBe(a.eventTime <= t + offset);
          expect(above).toBe(a.eventTime >= t + offset);
        }
      },
    ),
    { numRuns: 60 },
  );
});
