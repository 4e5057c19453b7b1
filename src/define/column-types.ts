import type { ValueType } from '../core/value-type.ts';

export type ColumnTypes = Readonly<Record<string, ValueType>>;
