import { readdirSync, readFileSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { workflowBundle } from '../../src/orchestrate/worker.ts';
import * as workflows from '../../workflows/index.ts';
import { quietRuntime } from '../support/quiet-runtime.ts';
import { historyFromJson } from './history-json.ts';
import { recordHistories } from './record.ts';
import { payloadTexts } from './scrub-history.ts';

const FOLDER = join(import.meta.dirname, 'histories');

interface History {
  readonly events: readonly {
    readonly workflowExecutionStartedEventAttributes?: { readonly workflowType: { readonly name: string } };
    readonly activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  }[];
}

beforeAll(() => {
  if (process.env.TIDEMARK_RECORD === undefined) quietRuntime();
});

const FILES = () => readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
const read = (name: string): History => JSON.parse(readFileSync(join(FOLDER, name), 'utf8'));
const typeOf = ({ events }: History) =>
  events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name ?? 'unknown';

async function replay(history: unknown): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, historyFromJson(history));
}

describe('recorded histories', () => {
  test.runIf(process.env.TIDEMARK_RECORD)('are recorded anew', { timeout: 120_000 }, async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
    await recordHistories(FOLDER, version, process.env.TIDEMARK_RECORD ?? '1');
  });

  test('are there for every workflow type', () => {
    const recorded = new Set(FILES().map((name) => typeOf(read(name))));
    const missing = Object.keys(workflows).filter((type) => !recorded.has(type));
    expect(
      missing,
      `No history in test/replay/histories for: ${missing.join(', ')}. Add a scenario to test/replay/record.ts and run TIDEMARK_RECORD=1 npx vitest run test/replay.`,
    ).toEqual([]);
  });

  test("are what today's workflows would do again", async () => {
    const files = FILES();
    expect(files.length).toBeGreaterThan(0);
    for (const name of files) {
      await replay(read(name)).catch((error: unknown) => {
        throw new Error(
          `Today's workflows do not follow ${name}: runs of that version that are still open would break. Guard the change with patched().`,
          { cause: error },
        );
      });
    }
  });

  test('would tell a workflow that does something else', async () => {
    const [name = 'none'] = FILES().filter((file) => file.startsWith('materialize.'));
    const history = read(name);
    for (const { activityTaskScheduledEventAttributes: scheduled } of history.events) {
      if (scheduled?.activityType.name === 'planChunks') scheduled.activityType.name = 'planOtherwise';
    }
    await expect(replay(history)).rejects.toThrow(/planOtherwise/);
  });

  test('tell nothing of the machine or the person that recorded them', () => {
    for (const name of FILES()) {
      const history = read(name);
      const text = [JSON.stringify(history), ...payloadTexts(history)].join('\n');
      for (const secret of [
        hostname(),
        homedir(),
        process.cwd(),
        '/tmp/',
        '/Users/',
        'postgres://',
        'redis://',
      ])
        expect(text.includes(secret), `${name} holds "${secret}"`).toBe(false);
      expect(text).not.toMatch(/"identity":"(?!worker")/);
    }
  });
});
