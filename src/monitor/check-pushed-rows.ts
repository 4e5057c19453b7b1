import { type UnreadableSegment, unreadableText } from '../push/unreadable-segments.ts';
import type { Finding } from './finding.ts';
import { shortened } from './shortened.ts';

/**
 * Of every source with segments that cannot be read, one finding; it ends when they have been read or removed. A
 * warning: what was pushed online is served, what is computed and trained on lacks the rows.
 */
export function checkPushedRows(project: string, segments: readonly UnreadableSegment[]): readonly Finding[] {
  const bySource = Map.groupBy(segments, ({ source }) => source);
  return [...bySource].flatMap(([source, [first, ...more]]): Finding[] => {
    if (first === undefined) return [];
    const others = more.length === 0 ? '' : ` ${more.length} more of this source cannot be read either.`;
    return [
      {
        identity: `pushed-rows/${project}/${source}`,
        kind: 'pushed_rows_unreadable',
        project,
        view: null,
        version: null,
        severity: 'warning',
        summary: `${unreadableText(first)}${others}`,
        details: {
          source,
          segments: more.length + 1,
          files: [first, ...more].slice(0, SHOWN).map(({ host, path, bytes, reason }) => ({
            host,
            path,
            bytes,
            reason: reason === null ? null : shortened(reason),
          })),
        },
      },
    ];
  });
}

const SHOWN = 10;
