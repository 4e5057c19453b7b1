import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { TidemarkError } from '../core/errors.ts';

/**
 * Answers with parts that are made one in each turn of the event loop, so that other requests are answered between them.
 * All are made before the first is sent: one that fails is an error yet. When nobody waits any more no more are made.
 */
export async function sendParts(
  reply: FastifyReply,
  first: Buffer,
  others: Iterator<Buffer, Buffer, undefined>,
): Promise<FastifyReply> {
  const parts = [first];
  let bytes = first.length;
  for (let isLast = false; !isLast; ) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (reply.raw.destroyed) throw new TidemarkError('CANCELLED', 'Nobody waits for the answer any more.');
    const { done = false, value } = others.next();
    parts.push(value);
    bytes += value.length;
    isLast = done;
  }
  void reply.header('content-length', bytes);
  return reply.send(Readable.from(parts));
}
