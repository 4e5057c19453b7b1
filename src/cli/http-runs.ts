import { formatTime } from '../core/time.ts';
import { describeRun } from '../orchestrate/describe-run.ts';
import { fromFailure } from '../orchestrate/failures.ts';
import { startMaterialize } from '../orchestrate/runs.ts';
import type { RunControl } from '../server/run-control.ts';
import type { Session } from './context.ts';

/** A request is answered by then, whatever Temporal does. */
const PATIENCE_MILLIS = 5000;

/** The workflows of a project as the server starts them; Temporal is connected to when it is first needed. */
export function httpRuns({ platform, repo }: Pick<Session, 'platform' | 'repo'>): RunControl {
  const project = repo.project.name;
  const clientOf = async () => (await platform.temporal()).client;
  return {
    async materialize({ view, version, range }) {
      const client = await clientOf();
      const input = {
        project,
        view,
        version,
        ...(range && { range: { start: formatTime(range.start), end: formatTime(range.end) } }),
      };
      const { id } = await client
        .withDeadline(Date.now() + PATIENCE_MILLIS, () => startMaterialize(client, input))
        .catch((error: unknown) => {
          throw fromFailure(error);
        });
      return { id };
    },
    async status(id) {
      const client = await clientOf();
      return await client.withDeadline(Date.now() + PATIENCE_MILLIS, () => describeRun(client, project, id));
    },
  };
}
