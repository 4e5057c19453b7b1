import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import type { ActivityDeps } from '../../activities/activity-deps.ts';
import { createActivities } from '../../activities/create-activities.ts';
import { messageOf, TidemarkError } from '../core/errors.ts';
import { connectionOptions, type TemporalSettings } from './connection.ts';
import { taskQueueOf } from './ids.ts';
import { workerHere } from './pollers.ts';
import { sayOnce } from './say-once.ts';

const WORKFLOWS = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));

const CONNECT_MILLIS = 8_000;

/** Chunks of different views run side by side; each has the engine's memory limit to share. */
const ACTIVITIES_AT_ONCE = 4;

export interface RunningWorker {
  /** Stops taking work, lets running activities end or be cancelled, and resolves when all is quiet. */
  stop(): Promise<void>;
  /** Rejects when the worker dies by itself. */
  readonly finished: Promise<void>;
}

export interface WorkerRequest {
  readonly settings: TemporalSettings;
  readonly project: string;
  readonly deps: ActivityDeps;
  readonly onWarning: (message: string) => void;
  /**
   * Whether this worker goes away soon. The server keeps a workflow's next task for the worker that has it in its
   * cache; when that one is gone, the others have to wait for it this much shorter.
   */
  readonly brief?: boolean;
}

/** Starts a worker for one project's task queue. STORE_UNAVAILABLE when Temporal cannot be reached. */
export async function startWorker({
  settings,
  project,
  deps,
  onWarning,
  brief = false,
}: WorkerRequest): Promise<RunningWorker> {
  installRuntime(onWarning);
  const connection = await connectNative(settings);
  try {
    const worker = await Worker.create({
      connection,
      namespace: settings.temporalNamespace,
      taskQueue: taskQueueOf(project),
      workflowBundle: await workflowBundle(),
      activities: createActivities(deps),
      identity: deps.identity,
      ...(brief ? { stickyQueueScheduleToStartTimeout: '1 second' } : {}),
      maxConcurrentActivityTaskExecutions: ACTIVITIES_AT_ONCE,
      // Heartbeats would be held back for most of their timeout, and a cancellation with them.
      maxHeartbeatThrottleInterval: '1 second',
      // A cancelled activity gets time to give its lease back.
      shutdownGraceTime: '2 seconds',
      shutdownForceTime: '15 seconds',
    });
    const gone = workerHere(deps.identity);
    const finished = worker
      .run()
      .finally(gone)
      .finally(() => connection.close());
    return {
      finished,
      async stop() {
        if (worker.getState() === 'RUNNING') worker.shutdown();
        await finished;
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** The SDK's own attempt has no end at an address that accepts the connection and says nothing. */
async function connectNative(settings: TemporalSettings): Promise<NativeConnection> {
  const connecting = NativeConnection.connect(connectionOptions(settings));
  const patience = new AbortController();
  const late = sleep(CONNECT_MILLIS, undefined, { signal: patience.signal }).then(() => {
    connecting.then((connection) => connection.close()).catch(() => undefined);
    throw new Error(`no answer within ${CONNECT_MILLIS / 1000} s`);
  });
  try {
    return await Promise.race([connecting, late]);
  } catch (error) {
    throw new TidemarkError(
      'STORE_UNAVAILABLE',
      `Cannot reach Temporal at ${settings.temporalAddress}: ${messageOf(error)}. Check TEMPORAL_ADDRESS.`,
      { cause: error },
    );
  } finally {
    late.catch(() => undefined);
    patience.abort();
  }
}

let bundle: Promise<WorkflowBundleWithSourceMap> | undefined;

/** Bundling takes seconds: once per process is enough. */
export function workflowBundle(): Promise<WorkflowBundleWithSourceMap> {
  bundle ??= bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger: Runtime.instance().logger });
  return bundle;
}

let installed = false;

/** The SDK has one runtime per process; its own log lines go where ours go, warnings and worse only. */
function installRuntime(onWarning: (message: string) => void): void {
  if (installed) return;
  installed = true;
  // The SDK warns of every attempt.
  const say = sayOnce(onWarning, Date.now);
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const error: unknown = meta?.error;
      say(
        `temporal ${level.toLowerCase()}: ${message}${error === undefined ? '' : ` (${messageOf(error)})`}`,
      );
    }),
    // The native part would write to the terminal itself.
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
  });
}
