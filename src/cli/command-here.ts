import { commandRun, type RunCommand } from '../orchestrate/runs.ts';
import type { Session } from './context.ts';

const SAID: Readonly<Record<RunCommand, string>> = {
  pause: 'Pausing',
  resume: 'Resuming',
  cancel: 'Cancelling',
};

/** Tells a run that somebody started, here or elsewhere. UNKNOWN_RUN when none of that id runs. */
export async function commandHere(
  { platform, output }: Session,
  id: string,
  command: RunCommand,
): Promise<void> {
  await commandRun((await platform.temporal()).client, id, command);
  output.facts({ id, command }, () => [`${SAID[command]} ${id}.`]);
}
