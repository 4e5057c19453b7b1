import type { FastifyInstance } from 'fastify';
import { expandSelection } from '../../core/feature-selection.ts';
import { formatTime } from '../../core/time.ts';
import type { ValueType } from '../../core/value-type.ts';
import type { AppDependencies } from '../dependencies.ts';

/** Training sets that are told, the newest ones. */
const MOST = 100;

export interface FeatureServiceBody {
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  readonly tags: Readonly<Record<string, string>>;
  /** In the order in which they are served; versions are those that the service is pinned to. */
  readonly features: readonly {
    readonly name: string;
    readonly view: string;
    readonly version: number;
    readonly type: ValueType;
  }[];
  /** What models of the service were trained on, newest first; absent where only serving is known. */
  readonly training_sets?: readonly {
    readonly id: string;
    /** ISO 8601. */
    readonly created_at: string;
    readonly rows: number;
    /** `any`, `row` or an ISO 8601 time. */
    readonly known_at: string;
  }[];
}

/** A model's features, and the training sets that were built of them; 404 names the nearest service. */
export function featureServices(app: FastifyInstance, deps: AppDependencies): void {
  app.get<{ Params: { readonly name: string } }>(
    '/feature-services/:name',
    async ({ params: { name } }): Promise<FeatureServiceBody> => {
      const { manifest, servingVersions } = deps.registry.current();
      const selected = expandSelection(manifest, { kind: 'service', service: name }, servingVersions);
      const spec = manifest.services.find((service) => service.name === name);
      const sets = await deps.trainingSets?.serviceSets({
        project: manifest.project,
        service: name,
        limit: MOST,
      });
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
              training_sets: sets.map(({ id, createdAt, rows, knownAt }) => ({
                id,
                created_at: formatTime(createdAt),
                rows,
                known_at: knownAt,
              })),
            }),
      };
    },
  );
}
