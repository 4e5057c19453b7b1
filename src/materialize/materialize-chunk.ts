import type { LateInput } from '../ledger/late-input.ts';
import { lateParts } from './late-parts.ts';
import {
  type MaterializeDeps,
  type MaterializeOutcome,
  type MaterializeRequest,
  materializeRange,
} from './materialize-range.ts';

/**
 * One planned chunk. What others committed of it after it was planned they may have begun to compute before rows came
 * that were there when it was planned; nobody could see those as late yet, as nothing was committed. They are now, so
 * that a run ends with everything that came before it was started, whoever computes it.
 */
export async function materializeChunk(
  request: MaterializeRequest,
  deps: MaterializeDeps & { readonly late: LateInput },
): Promise<MaterializeOutcome> {
  const outcome = await materializeRange(request, deps);
  if (!isSharedWork(outcome)) return outcome;
  const { project, view, range: wanted } = request;
  const coverage = await deps.ledger.coverage({ project, view: view.name, version: view.version });
  let total: MaterializeOutcome = outcome;
  for (const range of await lateParts({ project, view, wanted, coverage }, deps.late)) {
    total = sumOf(total, await materializeRange({ ...request, range, restate: true }, deps));
  }
  return total;
}

function isSharedWork(outcome: MaterializeOutcome): boolean {
  return outcome.kind === 'skipped' || (outcome.kind === 'materialized' && outcome.shared === true);
}

function sumOf(total: MaterializeOutcome, next: MaterializeOutcome): MaterializeOutcome {
  if (total.kind === 'held' || next.kind === 'skipped') return total;
  if (total.kind === 'skipped' || next.kind === 'held') return next;
  const { rows, bytes, published } = total;
  return {
    ...next,
    rows: rows + next.rows,
    bytes: bytes + next.bytes,
    published: published + next.published,
  };
}
