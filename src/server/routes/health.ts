import type { FastifyInstance } from 'fastify';
import { messageOf } from '../../core/errors.ts';
import { elapsed } from '../../core/time.ts';
import { type UnreadableSegment, unreadableText } from '../../push/unreadable-segments.ts';
import { otherFunctions } from '../../serving/other-functions.ts';
import type { AppDependencies } from '../dependencies.ts';

export interface Health {
  /** `degraded`: serving goes on with the definitions and functions that are known. `draining`: it does, but not for long. */
  readonly status: 'ok' | 'degraded' | 'draining' | 'unavailable';
  /** The process that answered: of several workers, one. */
  readonly pid: number;
  readonly dependencies: {
    readonly online_store: { readonly status: 'ok' | 'unavailable'; readonly error?: string };
    readonly registry: {
      readonly status: 'ok' | 'unavailable';
      readonly error?: string;
      /** Null: nothing has been applied. */
      readonly revision: number | null;
      readonly age_seconds: number;
    };
    /** `outdated`: of these on-demand views not the applied functions are loaded; a new process may find them. */
    readonly functions: { readonly status: 'ok' | 'outdated'; readonly views?: readonly string[] };
    /** `unreadable`: these pushed rows could not be made files, all others are. Absent where nothing is written. */
    readonly push_log?: { readonly status: 'ok' | 'unreadable'; readonly problems?: readonly string[] };
  };
}

/**
 * 503 when features cannot be served or others should be asked for them, 200 otherwise: without Postgres what is known
 * is still served.
 */
export function health(app: FastifyInstance, deps: AppDependencies, isDraining: () => boolean): void {
  app.get('/health', async (_request, reply) => {
    const state = await checkHealth(deps);
    const answer: Health = isDraining() ? { ...state, status: 'draining' } : state;
    const isGood = answer.status === 'ok' || answer.status === 'degraded';
    return reply.code(isGood ? 200 : 503).send(answer);
  });
}

async function checkHealth({ registry, online, functions, clock, writes }: AppDependencies): Promise<Health> {
  const failure = await online.ping().then(
    () => undefined,
    (thrown: unknown) => messageOf(thrown),
  );
  const { readAt, error, revision } = registry.status();
  const outdated = revision === null ? [] : otherFunctions(registry.current().manifest, functions);
  const unreadable = writes?.log.unreadable() ?? [];
  const isWhole = error === null && outdated.length === 0 && unreadable.length === 0;
  return {
    status: failure !== undefined || revision === null ? 'unavailable' : isWhole ? 'ok' : 'degraded',
    pid: process.pid,
    dependencies: {
      online_store: failure === undefined ? { status: 'ok' } : { status: 'unavailable', error: failure },
      registry: {
        ...(error === null ? { status: 'ok' } : { status: 'unavailable', error }),
        revision,
        age_seconds: Number(elapsed(readAt, clock())) / 1_000_000,
      },
      functions: outdated.length === 0 ? { status: 'ok' } : { status: 'outdated', views: outdated },
      ...(writes === undefined ? {} : { push_log: pushLogHealth(unreadable) }),
    },
  };
}

const SHOWN = 10;

function pushLogHealth(
  segments: readonly UnreadableSegment[],
): NonNullable<Health['dependencies']['push_log']> {
  if (segments.length === 0) return { status: 'ok' };
  return { status: 'unreadable', problems: segments.slice(0, SHOWN).map(unreadableText) };
}
