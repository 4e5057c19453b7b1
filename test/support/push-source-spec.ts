import type { PushSourceSpec } from '../../src/core/source.ts';
import type { ValueType } from '../../src/core/value-type.ts';

/** A source of pushed rows, with an event time `at`. */
export function pushSourceSpec(
  columns: Readonly<Record<string, ValueType>>,
  overrides: Partial<PushSourceSpec> = {},
): PushSourceSpec {
  return {
    kind: 'push',
    project: 'shop',
    name: 'clicks',
    timestampField: 'at',
    createdTimestampField: null,
    columns: Object.entries(columns).map(([name, type]) => ({ name, type })),
    description: '',
    owner: '',
    tags: {},
    ...overrides,
  };
}
