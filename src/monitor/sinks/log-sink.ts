import type { AlertSink } from './alert-sink.ts';

/** Writes one line per event. */
export function createLogSink({ log }: { readonly log: (line: string) => void }): AlertSink {
  return {
    name: 'log',
    async send({ state, severity, identity, summary }) {
      // An error's sentence may have several lines; a log line has one.
      log(`alert ${state}: ${severity} ${identity}: ${summary.replaceAll(/\s*\n\s*/g, ' ')}`);
    },
  };
}
