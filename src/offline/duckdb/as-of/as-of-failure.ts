import { dirname, resolve } from 'node:path';
import { messageOf } from '../../../core/errors.ts';
import type { AsOfRequest } from '../../as-of-engine.ts';
import { duckDbReason, failureKind } from '../duckdb-failure.ts';
import { unreadable } from './as-of-slices.ts';
import { spineProblem } from './spine-columns.ts';

/**
 * An error of reading or writing a file while rows are joined, as what it means: the user's spine, the output, or a
 * file of the offline store. Any other error as it is.
 */
export function fileFailure(error: unknown, { spine, path }: Pick<AsOfRequest, 'spine' | 'path'>): unknown {
  if (failureKind(error) !== 'file') return error;
  const says = (file: string) => messageOf(error).includes(file);
  if ('path' in spine && says(resolve(spine.path))) return spineProblem(spine, duckDbReason(error), error);
  return says(dirname(path)) ? error : unreadable(error);
}
