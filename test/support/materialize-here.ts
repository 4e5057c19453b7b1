import type { BatchViewSpec } from '../../src/core/feature-view.ts';
import type { Interval } from '../../src/core/interval.ts';
import { durationOf } from '../../src/core/time.ts';
import { materializeRange } from '../../src/materialize/materialize-range.ts';
import type { TestProject } from './project.ts';

/** The one path that every materialization takes, in this process. */
export async function materializeHere(
  { name: project, platform }: Pick<TestProject, 'name' | 'platform'>,
  {
    view,
    range,
    restate = false,
  }: { readonly view: BatchViewSpec; readonly range: Interval; readonly restate?: boolean },
) {
  return await materializeRange(
    { project, view, range, restate, owner: 'test', runId: 'test', leaseFor: durationOf('1m') },
    {
      ...(await platform.offline()),
      ledger: await platform.ledger(),
      online: await platform.online(),
      clock: platform.clock,
    },
  );
}
