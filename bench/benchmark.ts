/** The parts of a benchmark. Every step runs in a process of its own, so that its peak of memory is its own. */
export interface Benchmark {
  /** Says what is measured: the head of its table. */
  readonly title: string;
  /** Whether Postgres, Redis and Temporal are brought up for it (afresh, for it alone). */
  readonly usesServers: boolean;
  /** Makes what all cases read, once; returns its size in words. */
  prepare(world: World): Promise<string>;
  /** No case builds on what another has left. */
  readonly areIndependent?: true;
  /** How often each case is run, whatever is asked for. */
  readonly runs?: number;
  /** In the order of the table; each is run several times, in turns. */
  cases(size: Size): readonly Case[];
  /** Removes what `prepare` left on servers, which may be somebody's. */
  cleanUp?(world: World): Promise<void>;
}

export type Size = 'tiny' | 'default' | 'large';

/** Where a benchmark works. */
export interface World {
  /** The benchmark's own; removed after it. */
  readonly folder: string;
  readonly size: Size;
  /** As many as the benchmarks that say so take instead of what their size says (`--entities`). */
  readonly entities?: number;
}

export interface Case {
  readonly name: string;
  /** The case whose rate this one's is divided by. */
  readonly against?: string;
  run(world: World, timed: Stopwatch): Promise<Outcome>;
}

/** Runs the part that counts, once; what comes before and after it is not measured. */
export type Stopwatch = <T>(work: () => Promise<T>) => Promise<T>;

export interface Outcome {
  /** Things done meanwhile, the most telling first: shown as rates, by name. */
  readonly done: Readonly<Record<string, number>>;
  /** Seconds of parts of it, or of one of the things done, by name. */
  readonly seconds?: Readonly<Record<string, number>>;
  /** Amounts of data, by name. */
  readonly bytes?: Readonly<Record<string, number>>;
  /** Cases with an answer must all have the same one: who computes something else is not faster. */
  readonly answer?: string;
}
