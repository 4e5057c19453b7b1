import type { KeyType } from './value-type.ts';

/** Who answers for an object, and how people find it. Never part of a fingerprint. */
export interface Metadata {
  readonly description: string;
  readonly owner: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface JoinKey {
  readonly name: string;
  readonly type: KeyType;
}

/** What features describe: one or more typed join keys, in a fixed order. */
export interface EntitySpec extends Metadata {
  readonly kind: 'entity';
  readonly name: string;
  readonly joinKeys: readonly JoinKey[];
}
