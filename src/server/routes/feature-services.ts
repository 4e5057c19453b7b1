import type { FastifyInstance } from 'fastify';
import { expandSelection } from '../../core/expand-selection.ts';
import { formatTime } from '../../core/time.ts';
import type { ValueType } from '../../core/value-type.ts';
import type { ServiceSet } from '../../registry/service-set.ts';
import type { AppDependencies } from '../dependencies.ts';

/** Training sets that are told, the newest ones. */
const MOST = 100;
/** For the registry; as long as a read waits for Redis. */
const LONGEST_WAIT_MILLIS = 2000;
const ASK_AGAIN_MILLIS = 30_000;

type Sets = readonly ServiceSet[] | null;

export interface FeatureServiceBody {
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  readonly tags: Readonly<Record<string, string>>;
  /** In the order in which they are served: by view, then by name. Versions are those that the service is pinned to. */
  readonly features: readonly {
    readonly name: string;
    readonly view: string;
    readonly version: number;
    readonly type: ValueType;
  }[];
  /**
   * What models of the service were trained on, newest first; null while the registry cannot be asked, absent where
   * only serving is known.
   */
  readonly training_sets?:
    | readonly {
        readonly id: string;
        /** ISO 8601. */
        readonly created_at: string;
        readonly rows: number;
        /** `any`, `row` or an ISO 8601 time. */
        readonly known_at: string;
      }[]
    | null;
}

/**
 * A model's features, and the training sets that were built of them; 404 names the nearest service. Features are known
 * without the registry, and told without it.
 */
export function featureServices(app: FastifyInstance, deps: AppDependencies): void {
  const setsOf = setsInTime(deps);
  app.get<{ Params: { readonly name: string } }>(
    '/feature-services/:name',
    async ({ params: { name } }): Promise<FeatureServiceBody> => {
      const { manifest, servingVersions } = deps.registry.current();
      const selected = expandSelection(manifest, { kind: 'service', service: name }, servingVersions);
      const spec = manifest.services.find((service) => service.name === name);
      const sets = await setsOf(manifest.project, name);
      return {
        name,
        description: spec?.description ?? '',
        owner: spec?.owner ?? '',
        tags: spec?.tags ?? {},
        features: selected.map(({ view, feature }) => ({
          name: feature.name,
          view: view.name,
          version: view.version,
          type: feature.type,
        })),
        ...(sets === undefined
          ? {}
          : {
              training_sets:
                sets?.map(({ id, createdAt, rows, knownAt }) => ({
                  id,
                  created_at: formatTime(createdAt),
                  rows,
                  known_at: knownAt,
                })) ?? null,
            }),
      };
    },
  );
}

/** Null when they cannot be had in time, and undefined where nobody can be asked for them. */
function setsInTime({ trainingSets, log }: AppDependencies) {
  // By service. A registry that hangs is asked again now and then, not by every request.
  const asked = new Map<string, { readonly since: number; readonly sets: Promise<Sets> }>();
  return async (project: string, service: string): Promise<Sets | undefined> => {
    if (trainingSets === undefined) return undefined;
    const now = performance.now();
    let asking = asked.get(service);
    if (asking === undefined || now - asking.since > ASK_AGAIN_MILLIS) {
      const sets = trainingSets.serviceSets({ project, service, limit: MOST }).catch((err: unknown) => {
        log?.warn({ err, service }, 'the training sets of a feature service could not be read');
        return null;
      });
      const begun = { since: now, sets };
      asking = begun;
      asked.set(service, begun);
      void sets.then(() => asked.get(service) === begun && asked.delete(service));
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, LONGEST_WAIT_MILLIS, null);
    });
    return await Promise.race([asking.sets, late]).finally(() => clearTimeout(timer));
  };
}
