import { type Readable, Transform } from 'node:stream';

/**
 * A body of which each part is counted before it is kept; what `came` returns is its end. What still comes then, or
 * when the body is not wanted, is thrown away: who sends it reads the answer only when all is sent.
 */
export function countedBody(payload: Readable, came: (bytes: number) => Error | undefined): Transform {
  const counted = new Transform({
    transform(part: Buffer, _encoding, next) {
      next(came(part.length) ?? null, part);
    },
  });
  // Who hangs up in the middle of a body that nobody reads any more: told to nobody, it would end the process.
  counted.on('error', () => {});
  payload.once('error', (error) => counted.destroy(error));
  counted.once('close', () => payload.unpipe(counted).resume());
  return payload.pipe(counted);
}
