/**
 * What `tidemark dev` does with a repository beyond computing and serving it, exported from its `dev.ts`. All of it
 * is optional; nothing of it is part of the definitions.
 */
export interface DevHooksInput {
  /** Makes the data before the definitions are loaded, and says in a line what it did. */
  readonly prepare?: (now: Date) => Promise<string>;
  /** Called with the server's address when it answers, before the summary; says in a line what it did. */
  readonly onServing?: (url: string, now: Date) => Promise<string>;
  /** Adds rows as their time comes; the line it returns is shown, null is not. */
  readonly feed?: {
    readonly everySeconds: number;
    readonly run: (now: Date, url: string) => Promise<string | null>;
  };
  /** A training set to build: entity rows by a query over the sources, and the feature service to join. */
  readonly trainingSet?: {
    readonly query: string;
    readonly timestampField: string;
    readonly service: string;
    /** A line to show beside it, such as what was checked about its labels. */
    readonly note?: () => Promise<string>;
  };
  /** Online reads to show: features or a service, and entity rows as `key=value,key=value`. */
  readonly reads?: readonly {
    readonly features?: readonly string[];
    readonly service?: string;
    readonly entities: readonly string[];
  }[];
}

export interface DevHooks {
  readonly kind: 'dev_hooks';
  readonly config: DevHooksInput;
}

export function devHooks(config: DevHooksInput): DevHooks {
  return { kind: 'dev_hooks', config };
}
