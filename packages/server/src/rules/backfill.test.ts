import { setTimeout as sleep } from 'node:timers/promises';
import { type Entry, type Event, parseTime } from '@sealtrail/core';
import { CompiledRules, loadRules } from '@sealtrail/core/sigma';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  closedByDefinition,
  episodesByDefinition,
  hasChain,
  type PlainEpisode,
  type PlainOccurrence,
} from '../../../core/src/sigma/testing/brute-force.ts';
import {
  gapsByDefinition,
  newTermsByDefinition,
  rateByDefinition,
  returnsByDefinition,
} from '../../../core/src/sigma/testing/kinds-by-definition.ts';
import { openDetectionDatabase } from '../adapters/sqlite/detection-database.ts';
import { SqliteDetectionStore } from '../adapters/sqlite/detection-store.ts';
import { SqliteLogReader } from '../adapters/sqlite/log-reader.ts';
import type { StoredFinding } from '../detection-ports.ts';
import { DetectFollower } from '../followers/detect/detect-follower.ts';
import { settle } from '../followers/detect/reconcile.ts';
import type { LogClient } from '../sequencer/log-client.ts';
import { SeededRandom } from '../sequencer/testing/seeded-random.ts';
import { groupOf, risingId } from '../sequencer/testing/sent.ts';
import { startLog } from '../sequencer/testing/start-log.ts';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { findInOrder } from './find-in-order.ts';
import { fingerprintsOf } from './fingerprint.ts';

type Occurrences = readonly PlainOccurrence[];
const spanMs = 10_000;
const latenessMs = 8000;
const baseMs = Date.UTC(2025, 0, 1);

const holding = (level: (window: Occurrences) => number | undefined) => (all: Occurrences) =>
  episodesByDefinition(all, spanMs, level);
const closed = (level: (window: Occurrences) => number | undefined) => (all: Occurrences) =>
  closedByDefinition(all, spanMs, level);
const rulesIn = (window: Occurrences): Set<number> => new Set(window.flatMap(({ rules }) => rules));
const distinct = (window: Occurrences): number => new Set(window.map(({ value }) => value)).size;
const sum = (window: Occurrences): number => window.reduce((total, { value }) => total + Number(value), 0);
const where = (level: number, holds: boolean): number | undefined => (holds ? level : undefined);

/** Correlations of every kind that goes by the time of events, with what they mean. */
const cases: readonly {
  readonly type: string;
  readonly rules: string;
  readonly condition: string;
  readonly of: (all: Occurrences) => readonly PlainEpisode[];
}[] = [
  {
    ...{ type: 'event_count', rules: '[a, b]', condition: '{gte: 3}' },
    of: holding(({ length }) => where(length, length >= 3)),
  },
  {
    ...{ type: 'event_count', rules: '[a, b]', condition: '{lt: 3}' },
    of: closed(({ length }) => where(length, length < 3)),
  },
  {
    ...{ type: 'value_count', rules: '[a, b]', condition: '{field: metadata.value, gte: 3}' },
    of: holding((window) => where(distinct(window), distinct(window) >= 3)),
  },
  {
    ...{ type: 'value_count', rules: '[a, b]', condition: '{field: metadata.value, neq: 2}' },
    of: closed((window) => where(distinct(window), distinct(window) !== 2)),
  },
  {
    ...{ type: 'temporal', rules: '[a, b, c]', condition: 'a and b and c' },
    of: holding((window) => where(1, rulesIn(window).size === 3)),
  },
  {
    ...{ type: 'temporal', rules: '[a, b]', condition: 'a and not b' },
    of: closed((window) => where(1, rulesIn(window).has(0) && !rulesIn(window).has(1))),
  },
  {
    ...{ type: 'temporal_ordered', rules: '[a, b, c]', condition: '{gte: 3}' },
    of: holding((window) => where(1, hasChain(window, 3))),
  },
  {
    ...{ type: 'value_sum', rules: '[a, b]', condition: '{field: metadata.value, gt: 9}' },
    of: holding((window) => where(sum(window), sum(window) > 9)),
  },
  {
    ...{ type: 'value_avg', rules: '[a, b]', condition: '{field: metadata.value, gte: 3}' },
    of: holding((window) => where(sum(window) / window.length, sum(window) / window.length >= 3)),
  },
  {
    ...{ type: 'new_terms', rules: '[a, b]', condition: '{field: metadata.value, known: 1}' },
    of: (all) => newTermsByDefinition(all, spanMs, 1, 0),
  },
  {
    ...{ type: 'new_terms', rules: '[a, b]', condition: '{field: metadata.value, again: 25s}' },
    of: (all) => returnsByDefinition(all, spanMs, 25_000),
  },
  {
    ...{ type: 'rate', rules: '[a, b]', condition: '{gte: 2, factor: 1.5, known: 2, history: 60s}' },
    of: (all) => rateByDefinition(all, spanMs, { least: 2, factor: 1.5, known: 2, windows: 6 }),
  },
  {
    ...{ type: 'sequence_gap', rules: '[a, b]', condition: '{field: metadata.value, gte: 1, history: 30s}' },
    of: (all) => gapsByDefinition(all, spanMs, 30_000, 1),
  },
];
const keyOf = (number: number): string => `correlation_${number}`;
const { rules, correlations, faults } = loadRules([
  {
    name: 'rules.yml',
    text: [
      ...['a', 'b', 'c'].map(
        (kind) => `
title: ${kind}
name: ${kind}
logsource: {product: sealtrail}
detection: {selection: {metadata.kinds: ${kind}}, condition: selection}
`,
      ),
      ...cases.map(
        ({ type, rules, condition }, number) => `
title: ${type}
name: ${keyOf(number)}
correlation: {type: ${type}, rules: ${rules}, group-by: [actor.id], timespan: 10s, condition: ${condition}}
`,
      ),
    ].join('---'),
  },
]);

/** An event of a minute, with how long it took to come, in seconds. */
interface Coming {
  readonly at: number;
  readonly delay: number;
  readonly who: string;
  readonly kinds: readonly string[];
  readonly value: number;
}

function comings(seed: number, maxDelay: number): Coming[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: random.integer(5, 60) }, () => ({
    at: random.integer(0, 60),
    delay: random.next() < 0.4 ? random.integer(0, maxDelay) : 0,
    who: random.next() < 0.7 ? 'x' : 'y',
    kinds: ['a', 'b', 'c'].filter(() => random.next() < 0.5),
    value: random.integer(1, 8),
  })).sort((a, b) => a.at + a.delay - (b.at + b.delay));
}

const eventOf = ({ at, who, kinds, value }: Coming): Partial<Event> => ({
  time: new Date(baseMs + at * 1000).toISOString(),
  actor: { type: 'user', id: who },
  metadata: { kinds, value },
});
/** What tells that all of it is over. */
const closing: Partial<Event> = { time: new Date(baseMs + 86_400_000).toISOString() };

/** By rule and group, what is found by definition. */
function defined(sent: readonly Coming[]): string[] {
  return cases.flatMap(({ rules: names, of }, number) =>
    ['x', 'y'].flatMap((who) => {
      const occurrences = sent.flatMap(({ at, who: whose, kinds, value }, index) => {
        const places = [...names.matchAll(/\w+/g)].flatMap(([name], i) => (kinds.includes(name) ? [i] : []));
        return whose === who && places.length > 0 ? [{ timeMs: at * 1000, index, rules: places, value }] : [];
      });
      return of(occurrences).map(([startMs, endMs, peak, lastMs]) =>
        JSON.stringify([keyOf(number), who, startMs, endMs, plain(peak, number), lastMs]),
      );
    }),
  );
}

/** What a condition over names measures is not told the same way by all. */
const plain = (peak: number, number: number): number => (cases[number]!.type === 'temporal' ? 1 : peak);

const told = (findings: readonly StoredFinding[]): string[] =>
  findings
    .filter(({ kind, mergedInto }) => kind === 'correlation' && mergedInto === undefined)
    .map(({ rule, entity, startMs, endMs, peak, lastMs }) => {
      const number = Number(rule.split('_')[1]);
      const times = [startMs - baseMs, endMs! - baseMs, plain(peak, number), lastMs - baseMs];
      return JSON.stringify([rule, entity['actor.id'], ...times]);
    });

describe('a backfill', () => {
  const folder = temporaryFolder();
  let [log, reader, store, follower] = [] as unknown as [
    LogClient,
    SqliteLogReader,
    SqliteDetectionStore,
    DetectFollower,
  ];
  let db: ReturnType<typeof openDetectionDatabase>;
  let sends = 0;
  const errors: unknown[] = [];

  beforeAll(async () => {
    ({ log } = startLog(folder));
    await log.ready;
    reader = new SqliteLogReader(folder.log);
    start();
  });

  afterAll(async () => {
    await follower[Symbol.asyncDispose]();
    await log.close();
    reader[Symbol.dispose]();
    db.close();
    folder[Symbol.dispose]();
  });

  const start = (): void => {
    db = openDetectionDatabase(folder.detection);
    store = new SqliteDetectionStore(db);
    follower = new DetectFollower({
      ...{ log, reader, store, latenessMs, retryMs: 1 },
      rules: {
        compiled: new CompiledRules({ rules, correlations }),
        fingerprints: fingerprintsOf({ rules, correlations }),
      },
      onError: (error) => errors.push(error),
    });
  };
  const send = async (trail: string, events: readonly Partial<Event>[]): Promise<void> => {
    await log.append(groupOf(events.map((event) => ({ ...event, trail, id: risingId(sends++) }))));
  };
  const follow = async (trail: string): Promise<void> => {
    const isBehind = (): boolean => {
      const { entries, isReady } = follower.progress(trail);
      return !isReady || entries < reader.size(trail);
    };
    while (isBehind()) await sleep(2);
    expect(errors).toEqual([]);
  };
  const backfill = (trail: string, sinceMs: number, maxEntries?: number) => {
    const inOrder = findInOrder({
      ...{ reader, trail, rules: { rules, correlations }, latenessMs, nowMs: Date.now() },
      ...{ sinceMs, untilMs: Date.now() + 60_000, ...(maxEntries !== undefined && { maxEntries }) },
    });
    const { changed, leftOut } = settle(store, trail, inOrder);
    return { changed: changed.length, leftOut };
  };

  it('has rules that are understood', () => {
    expect(faults).toEqual([]);
  });

  it.each(Array.from({ length: 120 }, (_, seed) => seed))(
    'makes findings those of events in their order, once, whatever came too late (seed %i)',
    async (seed) => {
      const trail = `late${seed}`;
      await log.createTrail(trail);
      const sent = comings(seed, 60);
      await send(trail, sent.map(eventOf));
      await send(trail, [closing]);
      await follow(trail);
      backfill(trail, 0);
      expect(told(store.findings(trail, 10_000)).sort()).toEqual(defined(sent).sort());
      expect(backfill(trail, 0)).toEqual({ changed: 0, leftOut: [] });
    },
  );

  it.each(Array.from({ length: 30 }, (_, seed) => seed))(
    'of a part changes nothing where nothing came too late, and names what it cannot judge (seed %i)',
    async (seed) => {
      const trail = `part${seed}`;
      await log.createTrail(trail);
      const sent = comings(seed, 7);
      await send(trail, sent.map(eventOf));
      await sleep(3);
      await send(
        trail,
        sent.map((one) => eventOf({ ...one, at: one.at + 100 })),
      );
      await send(trail, [closing]);
      await follow(trail);
      const [bytes] = reader.entries(trail, sent.length, sent.length + 1);
      const { receivedAt } = JSON.parse(new TextDecoder().decode(bytes)) as Entry;
      // One entry before the part is read.
      const { changed, leftOut } = backfill(trail, parseTime(receivedAt)!, sent.length + 2);
      expect(changed).toBe(0);
      expect(leftOut).toContain(keyOf(1));
      expect(backfill(trail, 0)).toEqual({ changed: 0, leftOut: [] });
    },
  );

  it('is undone by no kill, after which entries are taken again', async () => {
    const trails = Array.from({ length: 120 }, (_, seed) => `late${seed}`);
    const before = trails.map((trail) => told(store.findings(trail, 10_000)));
    // Nothing is kept any more, as if the process had been killed.
    db.close();
    await follower[Symbol.asyncDispose]().catch(() => {});
    errors.length = 0;
    start();
    for (const trail of trails) await follow(trail);
    // What it came to is kept with the end.
    await follower[Symbol.asyncDispose]();
    expect(trails.map((trail) => told(store.findings(trail, 10_000)))).toEqual(before);
    for (const trail of trails) expect(backfill(trail, 0).changed).toBe(0);
    db.close();
    start();
  });
});
