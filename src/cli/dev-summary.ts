import type { Manifest } from '../core/manifest.ts';
import type { DevHooksInput } from '../define/dev-hooks.ts';
import { checkParity, type ViewParity } from '../serving/check-parity.ts';
import type { CaughtUp } from './catch-up.ts';
import type { Session } from './context.ts';
import { bytesText, countText, table } from './output.ts';
import { answerLines, readOnline } from './read-online.ts';
import type { TrainedHere } from './train-here.ts';
import { trainingLines } from './training-lines.ts';

/** What one start of `dev` did, from real runs. */
export interface DevSummary {
  readonly project: string;
  readonly url: string;
  readonly views: readonly CaughtUp[];
  readonly training: TrainedHere | null;
  /** What the repository says of its training set. */
  readonly note: string | null;
  readonly parity: readonly ViewParity[];
  readonly reads: readonly (readonly string[])[];
}

export async function devSummary(
  session: Session,
  {
    manifest,
    views,
    training,
    note,
    reads,
    url,
  }: {
    readonly manifest: Manifest;
    readonly views: readonly CaughtUp[];
    readonly training: TrainedHere | undefined;
    readonly note: string | undefined;
    readonly reads: NonNullable<DevHooksInput['reads']>;
    readonly url: string;
  },
): Promise<DevSummary> {
  const { platform } = session;
  const parity = await checkParity(manifest, {
    ...(await platform.offline()),
    ledger: await platform.ledger(),
    online: await platform.online(),
    offlineRoot: platform.config.offline,
    tempDir: platform.config.home,
    clock: platform.clock,
  });
  const answers: (readonly string[])[] = [];
  for (const { features, service, entities } of reads) {
    const question = { entity: entities, ...(features && { features }), ...(service && { service }) };
    answers.push(answerLines((await readOnline(session, question)).answer));
  }
  return {
    project: manifest.project,
    url,
    views,
    training: training ?? null,
    note: note ?? null,
    parity,
    reads: answers,
  };
}

export function summaryLines({ views, training, note, parity, reads }: DevSummary): readonly string[] {
  return [
    '',
    'Intervals computed',
    ...indented(
      table([
        ['view', 'intervals', 'rows', 'written', 'published', 'seconds'],
        ...views.map(({ view, totals, seconds }) => [
          view,
          countText(totals.intervals),
          countText(totals.rows),
          bytesText(totals.bytes),
          countText(totals.published),
          seconds.toFixed(1),
        ]),
      ]),
    ),
    ...(training === null ? [] : ['', ...trainingLines(training)]),
    ...(note === null ? [] : [`  ${note}`]),
    '',
    'Online reads',
    ...reads.flatMap((lines) => [...indented(lines), '']),
    'Online values against as-of values at the watermark',
    ...indented(
      table([
        ['view', 'watermark', 'keys', 'values', 'differences'],
        ...parity.map(({ view, watermark, keys, values, differences }) => [
          view,
          watermark,
          countText(keys),
          countText(values),
          countText(differences),
        ]),
      ]),
    ),
  ];
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}
