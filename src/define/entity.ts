import type { KeyType } from '../core/value-type.ts';
import type { MetadataInput } from './metadata.ts';

export type KeyTypes = Readonly<Record<string, KeyType>>;

export interface EntityInput<Keys extends KeyTypes = KeyTypes> extends MetadataInput {
  readonly name: string;
  /** Join keys by name; more than one makes a composite key, in this order. */
  readonly joinKeys: Keys;
}

export interface EntityDefinition<Keys extends KeyTypes = KeyTypes> {
  readonly kind: 'entity';
  readonly config: EntityInput<Keys>;
}

/** What features describe. */
export function entity<const Keys extends KeyTypes>(config: EntityInput<Keys>): EntityDefinition<Keys> {
  return { kind: 'entity', config };
}
