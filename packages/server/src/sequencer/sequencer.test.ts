import { createTreeHasher, type Entry, HASH_BYTES } from '@sealtrail/core';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nativeSha256 } from '../adapters/native-sha256.ts';
import { SqliteLogStore } from '../adapters/sqlite/log-store.ts';
import type { LogStore } from '../ports.ts';
import { type AppendBatch, entryStatus } from './protocol.ts';
import { Sequencer } from './sequencer.ts';
import { OpenLog } from './testing/open-log.ts';
import {
  batchOf,
  batchOfEvents,
  groupOf,
  risingEvents,
  risingId,
  type Sent,
  scatteredId,
} from './testing/sent.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const { stored, duplicate, conflict, unknownTrail, refusedWithGroup } = entryStatus;

/** What an entry of a batch got: its status, and where it is if it is anywhere. */
interface Receipt {
  readonly status: number;
  readonly index?: number;
  readonly leafHash?: string;
}

function receipts({ sequencer }: OpenLog, batch: AppendBatch): Receipt[] {
  const { statuses, indexes, leafHashes } = sequencer.append(batch);
  return Array.from(statuses, (status, i) =>
    status > duplicate
      ? { status }
      : {
          status,
          index: indexes[i]!,
          leafHash: Buffer.from(leafHashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)).toString('hex'),
        },
  );
}

const statuses = (log: OpenLog, batch: AppendBatch): number[] =>
  receipts(log, batch).map(({ status }) => status);
/** The same receipt, for an event that was there. */
const again = (receipt: Receipt | undefined): Receipt => ({ ...receipt!, status: duplicate });
const entriesOf = ({ reader }: OpenLog, trail = 'main'): Entry[] =>
  reader
    .entries(trail, 0, reader.size(trail))
    .map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as Entry);

describe('Sequencer: the same event sent again', () => {
  it('gets the same receipt in the same batch, in the next one and after a restart', () => {
    using folder = temporaryFolder();
    const event = { id: risingId(1), metadata: { n: 1 } };
    let first: Receipt | undefined;
    {
      using log = new OpenLog(folder);
      const [one, two] = receipts(log, batchOf(groupOf([event]), groupOf([event])));
      first = one;
      expect(one).toMatchObject({ status: stored, index: 0 });
      expect(two).toEqual(again(one));
      expect(receipts(log, batchOfEvents(event))).toEqual([again(one)]);
    }
    using log = new OpenLog(folder);
    expect(receipts(log, batchOfEvents(event))).toEqual([again(first)]);
    expect(log.reader.size('main')).toBe(1);
  });

  it('gets the same receipt within one request, and is stored once', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    const event = { id: risingId(1) };
    const [one, two, three] = receipts(log, batchOf(groupOf([event, event, { id: risingId(2) }])));
    expect(one).toMatchObject({ status: stored, index: 0 });
    expect(two).toEqual(again(one));
    expect(three).toMatchObject({ status: stored, index: 1 });
  });

  it('is found when its id is older than every id in memory', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    const events = risingEvents(0, 50_000);
    const first = new Map<string, Receipt>();
    for (let from = 0; from < events.length; from += 5_000) {
      const part = events.slice(from, from + 5_000);
      for (const [i, receipt] of receipts(log, batchOf(groupOf(part))).entries())
        first.set(part[i]!.id, receipt);
    }
    const resent = [events[0]!, events[1]!, events[20_000]!, events[49_999]!, { id: risingId(50_000) }];
    const answers = receipts(log, batchOf(groupOf(resent)));
    expect(answers.slice(0, 4)).toEqual(resent.slice(0, 4).map(({ id }) => again(first.get(id))));
    expect(answers[4]).toMatchObject({ status: stored, index: 50_000 });
    expect(log.reader.size('main')).toBe(50_001);
  });

  it('is found in a single request larger than what memory holds between batches', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    const events = risingEvents(0, 40_000);
    const answers = receipts(log, batchOf(groupOf([...events, events[0]!]), groupOf([events[1]!])));
    expect(answers.at(-2)).toEqual(again(answers[0]));
    expect(answers.at(-1)).toEqual(again(answers[1]));
    expect(log.reader.size('main')).toBe(40_000);
  });

  it('is found when ids come in no order', () => {
    using folder = temporaryFolder();
    const sent = Array.from({ length: 3_000 }, (_, i): Sent => ({ id: scatteredId(i) }));
    let first: Receipt[];
    {
      using log = new OpenLog(folder);
      first = receipts(log, batchOf(groupOf(sent.slice(0, 1_500)), groupOf(sent.slice(1_500))));
      expect(first.every(({ status }, i) => status === stored && first[i]!.index === i)).toBe(true);
      expect(receipts(log, batchOf(groupOf(sent)))).toEqual(first.map(again));
    }
    using log = new OpenLog(folder);
    expect(receipts(log, batchOf(groupOf(sent)))).toEqual(first.map(again));
    expect(log.reader.size('main')).toBe(3_000);
  });

  it('is the same event under whatever time the server chose, and keeps the first', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    const id = risingId(1);
    receipts(log, batchOfEvents({ id }));
    const [{ time, receivedAt }] = entriesOf(log) as [Entry];
    expect(statuses(log, batchOfEvents({ id }))).toEqual([duplicate]);
    expect(statuses(log, batchOfEvents({ id, time }))).toEqual([duplicate]);
    expect(statuses(log, batchOfEvents({ id, time: '2020-01-01T00:00:00.000Z' }))).toEqual([conflict]);
    expect(entriesOf(log)).toMatchObject([{ time, receivedAt }]);
  });

  it('is a new event in another trail', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder, { trails: ['main', 'other'] });
    const id = risingId(1);
    expect(statuses(log, batchOf(groupOf([{ id }, { id, trail: 'other' }])))).toEqual([stored, stored]);
    expect([log.reader.size('main'), log.reader.size('other')]).toEqual([1, 1]);
  });
});

describe('Sequencer: an id with other content', () => {
  it('is a conflict in the same request, in the same batch, later and after a restart', () => {
    using folder = temporaryFolder();
    const id = risingId(1);
    {
      using log = new OpenLog(folder);
      expect(statuses(log, batchOf(groupOf([{ id }, { id, action: 'other' }], true)))).toEqual([
        stored,
        conflict,
      ]);
      expect(
        statuses(log, batchOf(groupOf([{ id, action: 'other' }]), groupOf([{ id, tenant: 'x' }]))),
      ).toEqual([conflict, conflict]);
    }
    using log = new OpenLog(folder);
    expect(statuses(log, batchOfEvents({ id, action: 'other' }))).toEqual([conflict]);
    expect(entriesOf(log)).toMatchObject([{ id, action: 'test.event' }]);
  });

  it('does not hide that the next one in the request is the event itself', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    const id = risingId(1);
    receipts(log, batchOfEvents({ id }));
    expect(statuses(log, batchOf(groupOf([{ id, action: 'other' }, { id }], true)))).toEqual([
      conflict,
      duplicate,
    ]);
  });
});

describe('Sequencer: requests', () => {
  it('leaves nothing of an all-or-nothing request that is refused, wherever its fault is', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    receipts(log, batchOfEvents({ id: risingId(0) }));
    for (const fault of [
      { id: risingId(0), action: 'other' },
      { id: risingId(9), trail: 'nowhere' },
    ]) {
      const events = risingEvents(1, 4);
      for (let at = 0; at <= events.length; at++) {
        const got = statuses(log, batchOf(groupOf(events.toSpliced(at, 0, fault))));
        expect(got[at]).toBe(fault.trail ? unknownTrail : conflict);
        expect(got.toSpliced(at, 1)).toEqual(events.map(() => refusedWithGroup));
      }
    }
    expect(log.reader.size('main')).toBe(1);
    expect(statuses(log, batchOf(groupOf(risingEvents(1, 4))))).toEqual([stored, stored, stored]);
  });

  it('stores what is good of a partial request', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    const id = risingId(0);
    const request = [
      { id },
      { id, action: 'other' },
      { id: risingId(1), trail: 'nowhere' },
      { id },
      { id: risingId(2) },
    ];
    expect(statuses(log, batchOf(groupOf(request, true)))).toEqual([
      stored,
      conflict,
      unknownTrail,
      duplicate,
      stored,
    ]);
    expect(entriesOf(log).map((entry) => entry.id)).toEqual([id, risingId(2)]);
  });

  it('does not let a refused request take good ones of its batch with it, nor lend them its ids', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    const [a, b] = risingEvents(0, 2) as [Sent, Sent];
    const refused = groupOf([a, { id: risingId(9), trail: 'nowhere' }]);
    expect(statuses(log, batchOf(refused, groupOf([b]), groupOf([a])))).toEqual([
      refusedWithGroup,
      unknownTrail,
      stored,
      stored,
    ]);
    expect(entriesOf(log).map(({ id }) => id)).toEqual([b.id, a.id]);
  });

  it('puts a batch over many trails into each in order, and tells the sizes of those that grew', () => {
    using folder = temporaryFolder();
    const trails = Array.from({ length: 40 }, (_, i) => `trail-${i}`);
    using log = new OpenLog(folder, { trails });
    const events = risingEvents(0, 2_000).map((event, i) => ({ ...event, trail: trails[(i * i) % 40]! }));
    const { sizes, statuses: all } = log.sequencer.append(batchOf(groupOf(events)));
    expect(all.every((status) => status === stored)).toBe(true);
    const expected = Map.groupBy(events, ({ trail }) => trail);
    expect(new Map(sizes)).toEqual(new Map([...expected].map(([trail, sent]) => [trail, sent.length])));
    for (const [trail, sent] of expected)
      expect(entriesOf(log, trail).map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
  });

  it('answers random requests as a plain map of ids would, restarts included', () => {
    const event = fc.record({
      id: fc.nat(12).map((n) => (n % 2 === 0 ? risingId(n) : scatteredId(n))),
      trail: fc.constantFrom('main', 'other', 'nowhere'),
      action: fc.constantFrom('a', 'b'),
    });
    const request = fc.record({
      events: fc.array(event, { minLength: 1, maxLength: 6 }),
      partial: fc.boolean(),
    });
    const step = fc.oneof(fc.constant('restart' as const), fc.array(request, { minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        using folder = temporaryFolder();
        let log = new OpenLog(folder, { trails: ['main', 'other'] });
        const model = new Map<string, Map<string, string>>([
          ['main', new Map()],
          ['other', new Map()],
        ]);
        for (const requests of steps) {
          if (requests === 'restart') {
            log[Symbol.dispose]();
            log = new OpenLog(folder);
            continue;
          }
          const got = receipts(
            log,
            batchOf(...requests.map(({ events, partial }) => groupOf(events, partial))),
          );
          expect(got.map(({ status, index }) => [status, index])).toEqual(
            requests.flatMap((r) => expectedOf(model, r)),
          );
        }
        for (const [trail, ids] of model)
          expect(entriesOf(log, trail).map(({ id }) => id)).toEqual([...ids.keys()]);
        log[Symbol.dispose]();
      }),
      { numRuns: 60 },
    );
  });
});

/** What a request should get, by trail and id in order of storing; changes the model. */
function expectedOf(
  model: Map<string, Map<string, string>>,
  { events, partial }: { events: readonly { id: string; trail: string; action: string }[]; partial: boolean },
): [number, number | undefined][] {
  const tried = new Map([...model].map(([trail, ids]) => [trail, new Map(ids)]));
  const got = events.map(({ id, trail, action }): [number, number | undefined] => {
    const ids = tried.get(trail);
    if (!ids) return [unknownTrail, undefined];
    const before = ids.get(id);
    if (before !== undefined && before !== action) return [conflict, undefined];
    ids.set(id, action);
    return [before === undefined ? stored : duplicate, [...ids.keys()].indexOf(id)];
  });
  const isRefused = !partial && got.some(([status]) => status === conflict || status === unknownTrail);
  if (isRefused) return got.map(([status]) => [status <= duplicate ? refusedWithGroup : status, undefined]);
  for (const [trail, ids] of tried) model.set(trail, ids);
  return got;
}

describe('Sequencer: receive times', () => {
  it('never decrease when the clock steps back, across a restart as well', () => {
    using folder = temporaryFolder();
    let nowMs = Date.UTC(2026, 5, 1);
    const now = (): number => nowMs;
    const step = (log: OpenLog, n: number, clockMs: number): void => {
      nowMs = clockMs;
      receipts(log, batchOfEvents({ id: risingId(n) }));
    };
    {
      using log = new OpenLog(folder, { now });
      step(log, 0, nowMs);
      step(log, 1, nowMs - 3_600_000);
      step(log, 2, nowMs + 1_000);
    }
    using log = new OpenLog(folder, { now });
    step(log, 3, nowMs - 86_400_000);
    step(log, 4, Date.UTC(2026, 5, 1) + 1);
    const first = '2026-06-01T00:00:00.000Z';
    expect(entriesOf(log).map(({ receivedAt }) => receivedAt)).toEqual([
      first,
      first,
      first,
      first,
      '2026-06-01T00:00:00.001Z',
    ]);
  });

  it('go on from the last entry when it ends a full bundle', () => {
    using folder = temporaryFolder();
    {
      using log = new OpenLog(folder, { now: () => Date.UTC(2026, 5, 1) });
      receipts(log, batchOf(groupOf(risingEvents(0, 256))));
    }
    using log = new OpenLog(folder, { now: () => Date.UTC(2020, 0, 1) });
    receipts(log, batchOfEvents({ id: risingId(256) }));
    expect(entriesOf(log).at(-1)?.receivedAt).toBe('2026-06-01T00:00:00.000Z');
  });

  it('are in the order of the entries, which is the order in which requests came', () => {
    // Home-made chains have been reordered by databases that sort by time: here equal times change nothing.
    using folder = temporaryFolder();
    using log = new OpenLog(folder, { now: () => Date.UTC(2026, 5, 1) });
    const ids = Array.from({ length: 600 }, (_, i) => scatteredId(i));
    receipts(log, batchOf(...ids.map((id) => groupOf([{ id, time: '2026-01-01T00:00:00.000Z' }]))));
    expect(entriesOf(log).map(({ id }) => id)).toEqual(ids);
  });
});

describe('Sequencer: what an append costs', () => {
  it('is the same beside 10,000 quiet trails', () => {
    const costOf = (quietTrails: number): Map<string, number> => {
      using folder = temporaryFolder();
      new SqliteLogStore(folder.log)[Symbol.dispose]();
      {
        const db = new Database(folder.log);
        const insert = db.prepare("INSERT INTO trail (name, origin, vkey) VALUES (?, 'origin', 'vkey')");
        db.transaction(() => {
          insert.run('main');
          for (let i = 0; i < quietTrails; i++) insert.run(`quiet-${i}`);
        })();
        db.close();
      }
      using store = new SqliteLogStore(folder.log);
      const calls = new Map<string, number>();
      const sequencer = new Sequencer(counting(store, calls), createTreeHasher(nativeSha256), Date.now);
      calls.clear();
      for (let i = 0; i < 20; i++) sequencer.append(batchOf(groupOf(risingEvents(i * 50, (i + 1) * 50))));
      return calls;
    };
    const alone = costOf(0);
    // One tip is loaded, once; the tail is read where a bundle is completed; no id is asked for.
    expect(alone).toEqual(
      new Map([
        ['loadTip', 1],
        ['append', 20],
        ['readTail', 3],
      ]),
    );
    expect(costOf(10_000)).toEqual(alone);
  });

  it('does not grow with the trails written before: tips that are not in use are dropped', () => {
    using folder = temporaryFolder();
    const trails = Array.from({ length: 600 }, (_, i) => `trail-${i}`);
    const calls = new Map<string, number>();
    using log = new OpenLog(folder, { trails, watch: (store) => counting(store, calls) });
    for (const [i, trail] of trails.entries()) receipts(log, batchOfEvents({ id: risingId(i), trail }));
    calls.clear();
    receipts(log, batchOfEvents({ id: risingId(1_000), trail: 'trail-599' }));
    expect(calls.get('loadTip')).toBeUndefined();
    receipts(log, batchOfEvents({ id: risingId(1_001), trail: 'trail-0' }));
    expect(calls.get('loadTip')).toBe(1);
    // Nor with those of which checkpoints are made.
    for (const trail of trails) log.sequencer.head(trail);
    calls.clear();
    for (const trail of trails) log.sequencer.head(trail);
    expect(calls.get('loadTip')).toBeGreaterThan(0);
  });

  it('does not grow with the entries written before: of ids, the latest are in memory', () => {
    using folder = temporaryFolder();
    const calls = new Map<string, number>();
    using log = new OpenLog(folder, { watch: (store) => counting(store, calls) });
    const events = risingEvents(0, 40_000);
    for (let from = 0; from < events.length; from += 10_000)
      receipts(log, batchOf(groupOf(events.slice(from, from + 10_000))));
    receipts(log, batchOfEvents(events.at(-1)!));
    expect(calls.get('indexOf')).toBeUndefined();
    receipts(log, batchOfEvents(events[0]!));
    expect(calls.get('indexOf')).toBeGreaterThan(0);
  });

  it('keeps the tip of a busy trail, however many others are written to', () => {
    using folder = temporaryFolder();
    const quiet = Array.from({ length: 600 }, (_, i) => `trail-${i}`);
    const calls = new Map<string, number>();
    using log = new OpenLog(folder, { trails: ['busy', ...quiet], watch: (store) => counting(store, calls) });
    for (const [i, trail] of quiet.entries()) {
      const events = [
        { id: risingId(2 * i), trail: 'busy' },
        { id: risingId(2 * i + 1), trail },
      ];
      receipts(log, batchOf(groupOf(events)));
    }
    expect(calls.get('loadTip')).toBe(1 + quiet.length);
  });
});

/** Counts the calls of a store's methods. */
function counting(store: LogStore, calls: Map<string, number>): LogStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        calls.set(String(name), (calls.get(String(name)) ?? 0) + 1);
        return Reflect.apply(value, target, args);
      };
    },
  });
}

describe('Sequencer: what is hashed', () => {
  const leafOf = (log: OpenLog, sent: Sent): string => receipts(log, batchOfEvents(sent))[0]!.leafHash!;

  it('is everything: id, trail, times, producer sequence and tenant change the leaf hash', () => {
    // Home-made chains have left the id or the sequence number out of the hash.
    using folder = temporaryFolder();
    let nowMs = Date.UTC(2026, 5, 1);
    using log = new OpenLog(folder, { trails: ['main', 'other'], now: () => nowMs });
    const base = { time: '2026-01-01T00:00:00.000Z', producer: { id: 'p', seq: 1 } };
    const leaves = [
      leafOf(log, { ...base, id: risingId(1) }),
      leafOf(log, { ...base, id: risingId(2) }),
      leafOf(log, { ...base, id: risingId(1), trail: 'other' }),
      leafOf(log, { ...base, id: risingId(3), time: '2026-01-01T00:00:00.001Z' }),
      leafOf(log, { ...base, id: risingId(4), producer: { id: 'p', seq: 2 } }),
      leafOf(log, { ...base, id: risingId(5), tenant: 't' }),
    ];
    expect(new Set(leaves).size).toBe(leaves.length);
    // Two entries that differ in nothing but the receive time, one in each of two logs.
    using twin = temporaryFolder();
    using later = new OpenLog(twin, { now: () => nowMs });
    nowMs += 1;
    expect(leafOf(later, { ...base, id: risingId(1) })).not.toBe(leaves[0]);
  });

  it('is what is read: bytes come back as they were hashed, extreme numbers and texts included', () => {
    // Home-made chains have hashed an object and stored what the database made of it.
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    const metadata = {
      big: 2 ** 53 - 1,
      small: 5e-324,
      fraction: 0.1 + 0.2,
      exponent: 1e21,
      negative: -1e-7,
      long: 123456789.12345679,
      text: 'naïve \u2028 \u0000 \u{1F600} é é ﬀ',
      '': 'empty key',
      10: 'ten',
      9: 'nine',
    };
    const sent = { id: risingId(1), metadata };
    const [receipt] = receipts(log, batchOfEvents(sent));
    const bytes = log.reader.entries('main', 0, 1)[0]!;
    expect(Buffer.from(log.hasher.leafHash(bytes)).toString('hex')).toBe(receipt!.leafHash);
    expect((JSON.parse(Buffer.from(bytes).toString()) as Entry).metadata).toEqual(metadata);
    expect(receipts(log, batchOfEvents(sent))).toEqual([again(receipt)]);
  });
});
