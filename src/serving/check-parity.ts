import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { equalValues } from '../core/equal-values.ts';
import { type BatchViewSpec, formatViewVersion } from '../core/feature-view.ts';
import type { Interval } from '../core/interval.ts';
import { isExpired } from '../core/is-expired.ts';
import { batchViews, type Manifest } from '../core/manifest.ts';
import type { Column, SourceSpec } from '../core/source.ts';
import { type Clock, durationOf, formatTime, type Micros } from '../core/time.ts';
import type { Value } from '../core/value-type.ts';
import type { CommittedFile, Ledger } from '../ledger/ledger.ts';
import { watermarkOf } from '../ledger/watermark.ts';
import { firstTick } from '../materialize/due-range.ts';
import type { AsOfEngine, Spine } from '../offline/as-of-engine.ts';
import type { TableReader } from '../offline/table-reader.ts';
import type { OnlineStore } from '../online/online-store.ts';
import { onlineTableOf } from '../online/online-table.ts';

export interface ParityDeps {
  readonly ledger: Ledger;
  readonly asOf: AsOfEngine;
  readonly tables: TableReader;
  readonly online: OnlineStore;
  readonly clock: Clock;
  /** The offline store's folder. */
  readonly offlineRoot: string;
  /** For the joined rows, which are removed again. */
  readonly tempDir: string;
}

export interface ViewParity {
  readonly view: string;
  readonly watermark: string;
  /** Entities that either side knows. */
  readonly keys: number;
  readonly values: number;
  /** Values that training would see as of now and serving does not give, or the other way round. */
  readonly differences: number;
  /** Up to five, for people. */
  readonly examples: readonly string[];
}

/**
 * Compares every value of the online store with the as-of join's answer for now over all that is committed, which is
 * what a training set reads: training and serving must agree on each. The join reads files, the store was
 * written by `publish`: two ways that meet here only. Entities that work in progress has published anew meanwhile
 * are left out, and those of a stream view whose row is newer than what is committed.
 */
export async function checkParity(manifest: Manifest, deps: ParityDeps): Promise<readonly ViewParity[]> {
  const parities: ViewParity[] = [];
  for (const view of batchViews(manifest)) {
    if (view.online) parities.push(await checkView(manifest.project, view, deps));
  }
  return parities;
}

async function checkView(project: string, view: BatchViewSpec, deps: ParityDeps): Promise<ViewParity> {
  const version = { project, view: view.name, version: view.version };
  const coverage = await deps.ledger.coverage(version);
  const files = await deps.ledger.files(version);
  const now = deps.clock();
  const expected = await joinedRows(view, files, now, deps);
  const { served, eventTimes } = await servedRows(project, view, now, deps.online);
  const later = await deps.ledger.coverage(version);
  const moved = new Set<string>();
  for (const [key, time] of eventTimes) {
    if (isIn(coverage.committed, time)) continue;
    // What was pushed is served before it is computed.
    if (view.stream === true || isIn([...later.committed, ...later.running], time)) moved.add(key);
  }
  return {
    view: formatViewVersion(version),
    watermark: formatTime(watermarkOf(firstTick(view), coverage)),
    ...compare(view, expected, served, moved),
  };
}

/** A row's event time lies in its interval, both ends included. */
function isIn(ranges: readonly Interval[], time: Micros): boolean {
  return ranges.some(({ start, end }) => start <= time && time <= end);
}

type ValuesByKey = ReadonlyMap<string, readonly Value[]>;

async function joinedRows(
  view: BatchViewSpec,
  files: readonly CommittedFile[],
  now: Micros,
  { asOf, tables, offlineRoot, tempDir }: ParityDeps,
): Promise<ValuesByKey> {
  const slices = files.map(({ path, range, revision }) => ({ path, range, revision }));
  if (slices.length === 0) return new Map();
  const folder = await mkdtemp(join(tempDir, 'parity-'));
  try {
    const path = join(folder, 'joined.parquet');
    await asOf.join({
      spine: allEntities(
        view,
        slices.map((slice) => join(offlineRoot, slice.path)),
        now,
      ),
      views: [
        {
          view: view.name,
          version: view.version,
          joinKeys: view.joinKeys,
          spineColumns: view.joinKeys.map(({ name }) => name),
          features: view.features.map((feature) => ({ feature, output: `value__${feature.name}` })),
          ttl: view.ttl === null ? null : durationOf(view.ttl),
          dataDelay: durationOf(view.dataDelay),
          slices,
          ...(view.validTo === undefined ? {} : { validity: true }),
        },
      ],
      knownAt: { kind: 'any' },
      path,
    });
    const columns: readonly Column[] = [
      ...view.joinKeys,
      ...view.features.map(({ name, type }) => ({ name: `value__${name}`, type })),
    ];
    const rows = new Map<string, readonly Value[]>();
    for await (const batch of tables.read(path, columns)) {
      for (const row of batch)
        rows.set(keyText(row.slice(0, view.joinKeys.length)), row.slice(view.joinKeys.length));
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One spine row per entity that the files know, all at the same time. */
function allEntities(view: BatchViewSpec, paths: readonly string[], now: Micros): Spine {
  const sources = paths.map(
    (path, index): SourceSpec => ({
      kind: 'parquet',
      name: `file_${index}`,
      path,
      timestampField: '__event_time',
      createdTimestampField: null,
      columns: [],
      description: '',
      owner: '',
      tags: {},
    }),
  );
  const keys = view.joinKeys.map(({ name }) => `"${name}"`).join(', ');
  const time = `make_timestamp(${now}) AS as_of_time`;
  // A view without keys is one entity.
  if (keys === '') return { kind: 'query', query: `SELECT ${time}`, timestampField: 'as_of_time' };
  const all = sources.map(({ name }) => `SELECT ${keys} FROM ${name}`).join(' UNION ALL ');
  const query = `SELECT DISTINCT ${keys}, ${time} FROM (${all}) ORDER BY ALL`;
  return { kind: 'query', query, sources, timestampField: 'as_of_time' };
}

/** What serving gives now: rows past their TTL, and those that have ended, are withheld. */
async function servedRows(
  project: string,
  view: BatchViewSpec,
  now: Micros,
  online: OnlineStore,
): Promise<{ readonly served: ValuesByKey; readonly eventTimes: ReadonlyMap<string, Micros> }> {
  const ttl = view.ttl === null ? null : durationOf(view.ttl);
  const served = new Map<string, readonly Value[]>();
  const eventTimes = new Map<string, Micros>();
  for await (const batch of online.scan(onlineTableOf(project, view))) {
    for (const row of batch) {
      const key = keyText(row.key);
      eventTimes.set(key, row.eventTime);
      if (!isExpired(row, ttl, now)) served.set(key, row.values);
    }
  }
  return { served, eventTimes };
}

function compare(
  view: BatchViewSpec,
  expected: ValuesByKey,
  served: ValuesByKey,
  moved: ReadonlySet<string>,
): Omit<ViewParity, 'view' | 'watermark'> {
  const keys = new Set([...expected.keys(), ...served.keys()].filter((key) => !moved.has(key)));
  const examples: string[] = [];
  let differences = 0;
  for (const key of keys) {
    for (const [index, { name }] of view.features.entries()) {
      const trained = expected.get(key)?.[index] ?? null;
      const online = served.get(key)?.[index] ?? null;
      if (equalValues(trained, online)) continue;
      differences += 1;
      if (examples.length < 5)
        examples.push(`${name} of ${key}: as-of ${String(trained)}, online ${String(online)}`);
    }
  }
  return { keys: keys.size, values: keys.size * view.features.length, differences, examples };
}

function keyText(key: readonly Value[]): string {
  return JSON.stringify(key.map((part) => (typeof part === 'bigint' ? part.toString() : part)));
}
