import cluster from 'node:cluster';
import { AggregatorRegistry, type Registry } from 'prom-client';
import { messageOf, TidemarkError } from '../core/errors.ts';

/**
 * Several processes that share a port are one server to whoever scrapes it: whichever is asked gives the figures of
 * all, added up. A worker asks the primary, which asks every worker.
 */
type Message =
  | { readonly kind: 'tidemark:ask-metrics'; readonly id: number }
  | {
      readonly kind: 'tidemark:metrics';
      readonly id: number;
      readonly text: string;
      readonly error?: string;
    };

const PATIENCE_MILLIS = 6000;

/** In the primary, once: answers the workers. */
export function answerMetrics(): void {
  const aggregator = new AggregatorRegistry();
  cluster.on('message', (worker, message: unknown) => {
    if (!isMessage(message) || message.kind !== 'tidemark:ask-metrics') return;
    const { id } = message;
    const answer = (text: string, error?: string) => {
      const told: Message = { kind: 'tidemark:metrics', id, text, ...(error !== undefined && { error }) };
      if (worker.isConnected()) worker.send(told, () => {});
    };
    aggregator.clusterMetrics().then(answer, (thrown: unknown) => answer('', messageOf(thrown)));
  });
}

/** In a worker: adds its figures to those of all; returns how their text is had. */
export function shareMetrics(registry: Registry): () => Promise<string> {
  // Made for its listener: it answers when the primary asks.
  new AggregatorRegistry();
  AggregatorRegistry.setRegistries([registry]);
  let asked = 0;
  return () => {
    asked += 1;
    const id = asked;
    return new Promise((resolve, reject) => {
      const fail = (why: string) =>
        reject(new TidemarkError('STORE_UNAVAILABLE', `Cannot gather the metrics of all workers: ${why}.`));
      const finish = () => {
        clearTimeout(timer);
        process.off('message', hear);
      };
      const hear = (message: unknown) => {
        if (!isMessage(message) || message.kind !== 'tidemark:metrics' || message.id !== id) return;
        finish();
        if (message.error === undefined) resolve(message.text);
        else fail(message.error);
      };
      const timer = setTimeout(() => {
        finish();
        fail('they did not answer in time');
      }, PATIENCE_MILLIS);
      process.on('message', hear);
      const question: Message = { kind: 'tidemark:ask-metrics', id };
      process.send?.(question, undefined, undefined, (error) => {
        if (error === null) return;
        finish();
        fail(error.message);
      });
    });
  };
}

function isMessage(message: unknown): message is Message {
  return (
    message !== null &&
    typeof message === 'object' &&
    'kind' in message &&
    (message.kind === 'tidemark:ask-metrics' || message.kind === 'tidemark:metrics')
  );
}
