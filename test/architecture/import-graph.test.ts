import { describe, expect, test } from 'vitest';
import { cyclesOf, type Import, importsOf } from './import-graph.ts';

function seen(text: string): readonly string[] {
  return importsOf({ path: 'src/plan/a.ts', text }).map(
    ({ line, to, typeOnly }) => `${line} ${typeOnly ? 'type ' : ''}${to}`,
  );
}

describe('the imports of a file', () => {
  test('are found in every form, over several lines, with what is only a type told apart', () => {
    expect(
      seen(`import { a } from './a.ts';
import type { B } from '../core/b.ts';
import {
  c,
  type C,
} from "../../activities/c.ts";
import * as everything from '@temporalio/client/lib/x';
import type from './type.ts';
import 'node:fs/promises';
export * from './d.ts';
export type { E } from './e.ts';
const late = await import('./late.ts');
const only: typeof import('pg') = late;`),
    ).toEqual([
      '1 src/plan/a.ts',
      '2 type src/core/b.ts',
      '3 activities/c.ts',
      '7 @temporalio/client',
      '8 src/plan/type.ts',
      '9 node:fs/promises',
      '10 src/plan/d.ts',
      '11 type src/plan/e.ts',
      '12 src/plan/late.ts',
      '13 type pg',
    ]);
  });

  test('are not what a comment or a text says about imports', () => {
    expect(
      seen(`/**
 * import { a } from './a.ts';
 */
// import './b.ts';
export const text = \`import { c } from 'c';\`;
export function from(value: string): string { return 'from' + value; }
export const d = 'd';`),
    ).toEqual([]);
  });
});

describe('cycles', () => {
  const load = (from: string, to: string, typeOnly = false): Import => ({
    from,
    to,
    line: 1,
    kind: 'file',
    typeOnly,
  });

  test('are told file by file, each knot once', () => {
    expect(
      cyclesOf([
        load('a', 'b'),
        load('b', 'c'),
        load('c', 'a'),
        load('c', 'd'),
        load('x', 'a'),
        load('y', 'y'),
      ]),
    ).toEqual([
      ['a', 'b', 'c', 'a'],
      ['y', 'y'],
    ]);
  });

  test('are made by types, too', () => {
    expect(cyclesOf([load('a', 'b'), load('b', 'a', true)])).toEqual([['a', 'b', 'a']]);
  });
});
