/**
 * Who reads a version of a view. A service or a schedule of training sets needs the version itself, now and later.
 * A training set has read it once
 * and keeps what it read: it is listed, and holds nobody up.
 */
export interface Consumer {
  readonly kind: 'feature_service' | 'training_set_schedule' | 'training_set';
  /** Of a training set, its id. */
  readonly name: string;
}

export function isTrainingSet({ kind }: Consumer): boolean {
  return kind === 'training_set';
}

/** A few of them in words, services first; how many more there are when they are many. */
export function consumersText(consumers: readonly Consumer[], most = 5): readonly string[] {
  const named = [...consumers.filter((one) => !isTrainingSet(one)), ...consumers.filter(isTrainingSet)].map(
    consumerText,
  );
  return named.length <= most ? named : [...named.slice(0, most), `${named.length - most} more`];
}

/** `feature service churn`, `training set 3f9a2c…` with as much of the id as commands need. */
export function consumerText({ kind, name }: Consumer): string {
  switch (kind) {
    case 'training_set':
      return `training set ${name.slice(0, 16)}`;
    case 'training_set_schedule':
      return `training set schedule ${name}`;
    case 'feature_service':
      return `feature service ${name}`;
  }
}
