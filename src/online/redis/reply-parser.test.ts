import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReplyParser } from './reply-parser.ts';

type Told = string | null | { readonly error: string };

function parsed(chunks: readonly Buffer[]): readonly Told[] {
  const told: Told[] = [];
  const parser = new ReplyParser({
    value: (bytes, start, end) => told.push(start === -1 ? null : bytes.toString('latin1', start, end)),
    error: (message) => told.push({ error: message }),
  });
  for (const chunk of chunks) parser.write(chunk);
  return told;
}

const reply = fc.oneof(
  fc.constant({ bytes: Buffer.from('$-1\r\n'), told: null as Told }),
  fc.uint8Array({ maxLength: 300 }).map((value) => ({
    bytes: Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')]),
    told: Buffer.from(value).toString('latin1') as Told,
  })),
  fc.constantFrom('PONG', 'OK').map((word) => ({ bytes: Buffer.from(`+${word}\r\n`), told: word as Told })),
  fc.integer().map((value) => ({ bytes: Buffer.from(`:${value}\r\n`), told: String(value) as Told })),
  fc.constant({
    bytes: Buffer.from('-LOADING not yet\r\n'),
    told: { error: 'LOADING not yet' } as Told,
  }),
);

test('replies are the same wherever the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(reply), fc.array(fc.integer({ min: 1, max: 40 })), (replies, sizes) => {
      const bytes = Buffer.concat(replies.map((one) => one.bytes));
      const chunks: Buffer[] = [];
      let at = 0;
      for (const size of sizes) {
        chunks.push(bytes.subarray(at, at + size));
        at += size;
      }
      chunks.push(bytes.subarray(at));
      expect(parsed(chunks)).toEqual(replies.map((one) => one.told));
    }),
  );
});

test('a kind of reply that nobody asked for is an error, not a value', () => {
  expect(() => parsed([Buffer.from('*1\r\n$1\r\na\r\n')])).toThrow(RangeError);
});
