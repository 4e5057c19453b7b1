// Started as a process of its own by test/integration/stack.test.ts: brings the stack up, says so, and stays.
import { readConfig } from '../../src/config.ts';
import { TidemarkError } from '../../src/core/errors.ts';
import { startStack } from '../../src/stack/stack.ts';

const stack = await startStack(readConfig(process.env)).catch((error: unknown) => {
  if (!(error instanceof TidemarkError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
  process.exit(1);
});
const stay = setInterval(() => {}, 1_000);
process.once('SIGTERM', async () => {
  if (process.env.FORGETS_TO_STOP === undefined) await stack.stop();
  clearInterval(stay);
  if (process.env.FORGETS_TO_STOP !== undefined) process.exit(0);
});
// Last: whoever waits for this line may end the process at once.
console.log(JSON.stringify({ started: stack.started, addresses: stack.addresses }));
