import { readFile } from 'node:fs/promises';
import { TidemarkError } from '../core/errors.ts';
import { type ExactJson, parseExactJson } from '../core/exact-json.ts';
import type { CommittedFile } from '../ledger/ledger.ts';
import type { RevisedSlice } from '../offline/feature-reader.ts';
import type { ReadPlan } from '../serving/read-plan.ts';
import type { Session } from './context.ts';

/** Columns of a request for one entity row, by name. */
export type EntityRow = Readonly<Record<string, ExactJson>>;

/** Of the newest files, so many rows are read; of older ones where those have none. */
const FILE_ROWS = 200_000;
const MOST_KEYS = 20_000;

/**
 * Entity rows that a request of this plan may ask for: of each reading's entities some that have committed rows, put
 * together at random where there are several; one without columns where no view has keys. REQUEST_INVALID when there are none, or when the plan needs what no
 * file knows (request data).
 */
export async function sampleEntities(
  plan: ReadPlan,
  { platform }: Pick<Session, 'platform'>,
): Promise<readonly EntityRow[]> {
  const unknown = plan.inputs.find(({ role }) => role === 'request');
  if (unknown !== undefined) {
    throw new TidemarkError(
      'REQUEST_INVALID',
      `Cannot make up request data such as "${unknown.name}": give whole entity rows as JSON lines with --keys.`,
    );
  }
  if (plan.inputs.length === 0) return [{}];
  const ledger = await platform.ledger();
  const { reader } = await platform.offline();
  const known = new Map<string, readonly ExactJson[]>();
  for (const { view, keySet, project } of readings(plan)) {
    const names = keySet.map((input) => plan.inputs[input]?.name ?? '');
    if (names.every((name) => known.has(name))) continue;
    const files = await ledger.files({ project, view: view.name, version: view.version });
    const keys: (readonly ExactJson[])[] = [];
    for (const slices of newestFirst(files)) {
      for await (const batch of reader.latest({ view, slices })) {
        for (const { key } of batch) keys.push(key);
        if (keys.length >= MOST_KEYS) break;
      }
      if (keys.length > 0) break;
    }
    if (keys.length === 0) {
      throw new TidemarkError(
        'REQUEST_INVALID',
        `Cannot find entities of view "${view.name}": nothing of it is committed. Materialize it, or give entity rows with --keys.`,
      );
    }
    for (const [at, name] of names.entries())
      known.set(
        name,
        keys.map((key) => key[at] ?? null),
      );
  }
  const most = Math.max(...[...known.values()].map(({ length }) => length));
  return Array.from({ length: most }, (_, row) =>
    Object.fromEntries([...known].map(([name, values]) => [name, values[row % values.length] ?? null])),
  );
}

/**
 * Groups of about `FILE_ROWS` rows. A file is taken with all of its parts that count: of which of them its rows are,
 * only the file knows, and where newer work has replaced them, there may be none left.
 */
function* newestFirst(files: readonly CommittedFile[]): Generator<readonly RevisedSlice[]> {
  let group: CommittedFile[] = [];
  let rows = 0;
  for (const parts of Map.groupBy(files.toReversed(), ({ path }) => path).values()) {
    group.push(...parts);
    rows += parts[0]?.rows ?? 0;
    if (rows < FILE_ROWS) continue;
    yield group;
    group = [];
    rows = 0;
  }
  if (group.length > 0) yield group;
}

/** One for each view and list of keys, those with the most keys first: their combinations exist. */
function readings({ parts, keySets, resolved }: ReadPlan) {
  return parts
    .flatMap(({ keySet, table }, index) => {
      const view = resolved.parts[index]?.view;
      return view === undefined ? [] : [{ view, keySet: keySets[keySet] ?? [], project: table.project }];
    })
    .toSorted((a, b) => b.keySet.length - a.keySet.length);
}

/** JSON lines, each an object such as `{"user_id": 17}`. REQUEST_INVALID, naming the line, when one is not. */
export async function readEntities(path: string): Promise<readonly EntityRow[]> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new TidemarkError('REQUEST_INVALID', `Cannot read the keys at ${path}: there is no such file.`);
  });
  const rows = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const row = parsed(line);
    if (row === null || typeof row !== 'object' || Array.isArray(row)) {
      throw new TidemarkError(
        'REQUEST_INVALID',
        `Cannot read the keys at ${path}: line ${index + 1} is no JSON object such as {"user_id": 17}.`,
      );
    }
    return [row as EntityRow];
  });
  if (rows.length === 0)
    throw new TidemarkError('REQUEST_INVALID', `Cannot use the keys at ${path}: it has none.`);
  return rows;
}

function parsed(line: string): ExactJson | undefined {
  try {
    return parseExactJson(line);
  } catch {
    return undefined;
  }
}
