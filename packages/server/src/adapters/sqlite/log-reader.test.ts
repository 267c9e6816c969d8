import { CompactRange, createTreeHasher, encodeBundle, rootAt, TILE_WIDTH, uuidBytes } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { NaiveTree } from '../../sequencer/testing/naive-tree.ts';
import { OpenLog } from '../../sequencer/testing/open-log.ts';
import { SeededRandom } from '../../sequencer/testing/seeded-random.ts';
import { batchOf, groupOf, risingEvents, risingId } from '../../sequencer/testing/sent.ts';
import { startLog } from '../../sequencer/testing/start-log.ts';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { codeOf } from '../../testing/code-of.ts';
import { SqliteLogReader } from './log-reader.ts';

const same = (a: Uint8Array | undefined, b: Uint8Array): boolean =>
  a !== undefined && Buffer.compare(a, b) === 0;

/** Appends entries [from, to) and returns the leaf hashes that the receipts have. */
function grow(log: OpenLog, from: number, to: number): Uint8Array[] {
  const { leafHashes } = log.sequencer.append(batchOf(groupOf(risingEvents(from, to))));
  return Array.from({ length: to - from }, (_, i) => leafHashes.slice(32 * i, 32 * (i + 1)));
}

describe('SqliteLogReader', () => {
  it('reads any range of entries across bundles and tail, as receipts say they are', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    const leaves: Uint8Array[] = [];
    const random = new SeededRandom(1);
    while (leaves.length < 1_100)
      leaves.push(...grow(log, leaves.length, leaves.length + random.integer(1, 150)));
    const size = leaves.length;
    const borders = [0, 1, 255, 256, 257, 511, 512, 513, 1_023, 1_024, 1_025, size - 1, size];
    for (const from of borders) {
      for (const to of borders) {
        const entries = log.reader.entries('main', from, to);
        expect(entries.length).toBe(Math.max(0, to - from));
        expect(entries.every((bytes, i) => same(log.hasher.leafHash(bytes), leaves[from + i]!))).toBe(true);
      }
    }
    expect(log.reader.entries('main', size - 1, size + 1_000_000)).toHaveLength(1);
    expect(log.reader.entries('main', size, size + 1)).toEqual([]);
    expect(log.reader.size('main')).toBe(size);
    expect(log.reader.trails()).toEqual([{ name: 'main', size }]);
  });

  it.each([1, 255, 256, 257, 600, 1_024])(
    'has every node, tile and bundle of a trail of %i entries',
    (size) => {
      using folder = temporaryFolder();
      using log = new OpenLog(folder);
      grow(log, 0, size);
      const { reader } = log;
      const entries = reader.entries('main', 0, size);
      const tree = new NaiveTree(entries, log.hasher);
      for (let level = 0; 2 ** level <= size; level++)
        for (let i = 0; (i + 1) * 2 ** level <= size; i++)
          expect(same(reader.node('main', level, i), tree.node(level, i)), `node ${level}/${i}`).toBe(true);
      for (const { level, n, data } of tree.tiles()) {
        const full = data.length / 32;
        for (const width of new Set([1, Math.ceil(full / 2), full]))
          expect(same(reader.tile('main', level, n, width), data.subarray(0, width * 32))).toBe(true);
        if (full < TILE_WIDTH) expect(reader.tile('main', level, n, full + 1)).toBeUndefined();
        expect(reader.tile('main', level, n + 1, 1) !== undefined).toBe(
          (n + 1) * 256 ** (level + 1) < size && full === 256,
        );
      }
      for (let n = 0; n * TILE_WIDTH < size; n++) {
        const held = entries.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH);
        for (const width of new Set([1, Math.ceil(held.length / 2), held.length]))
          expect(same(reader.bundle('main', n, width), encodeBundle(held.slice(0, width)))).toBe(true);
        if (held.length < TILE_WIDTH) expect(reader.bundle('main', n, held.length + 1)).toBeUndefined();
      }
      expect(reader.bundle('main', Math.ceil(size / TILE_WIDTH), 1)).toBeUndefined();
    },
  );

  it('knows where each event is, and refuses what is not there with a code', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    grow(log, 0, 300);
    expect(log.reader.indexOf('main', uuidBytes(risingId(299)))).toBe(299);
    expect(log.reader.indexOf('main', uuidBytes(risingId(300)))).toBeUndefined();
    expect(codeOf(() => log.reader.size('nowhere'))).toBe('trail_not_found');
    expect(codeOf(() => log.reader.node('main', 0, 300))).toBe('invalid_proof');
    expect(codeOf(() => log.reader.node('main', 9, 0))).toBe('invalid_proof');
    expect(codeOf(() => log.reader.node('main', 0, 512))).toBe('data_folder_invalid');
  });

  it('sees a trail that was made after it was opened', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    using reader = new SqliteLogReader(folder.log);
    expect(codeOf(() => reader.size('late'))).toBe('trail_not_found');
    log.store.createTrail('late', 'audit.example/late', 'vkey');
    expect(reader.size('late')).toBe(0);
    expect(reader.entries('late', 0, 10)).toEqual([]);
  });

  it('refuses a file that is not a log', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    expect(codeOf(() => new SqliteLogReader(folder.published))).toBe('data_folder_invalid');
    expect(codeOf(() => new SqliteLogReader(folder.policy))).toBe('data_folder_invalid');
    expect(codeOf(() => new SqliteLogReader(`${folder.log}.absent`))).toBe('data_folder_invalid');
    expect(log.reader.size('main')).toBe(0);
  });
});

describe('SqliteLogReader beside its writer', () => {
  it('answers every call from one committed state, whatever is committed in between', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    using beside = new SqliteLogReader(folder.log);
    const random = new SeededRandom(2);
    const roots = new Map<number, Uint8Array>([[0, log.hasher.emptyRoot]]);
    let size = 0;
    for (let round = 0; round < 80; round++) {
      const seen = beside.size('main');
      grow(log, size, size + random.pick([1, 3, 100, 255, 256, 300]));
      size = log.sequencer.head('main').size;
      roots.set(size, log.sequencer.head('main').root);
      // What was seen before is there to the last entry, and has the root that it had.
      expect(beside.entries('main', 0, seen)).toHaveLength(seen);
      expect(
        same(
          rootAt(seen, (level, i) => beside.node('main', level, i), log.hasher),
          roots.get(seen)!,
        ),
      ).toBe(true);
      const now = beside.size('main');
      expect(now).toBe(size);
      const last = beside.entries('main', now - 1, now + 1);
      expect(last).toHaveLength(1);
    }
  });

  it('sees a consistent state at every moment of a writer in another thread', async () => {
    using folder = temporaryFolder();
    await using started = startLog(folder);
    const { log } = started;
    await log.ready;
    await log.createTrail('main');
    using beside = new SqliteLogReader(folder.log);
    const hasher = createTreeHasher();
    const random = new SeededRandom(3);
    const seen = new Map<number, Uint8Array>();
    let sent = 0;
    for (let round = 0; round < 60; round++) {
      const count = random.integer(1, 120);
      const appended = log.append(groupOf(risingEvents(sent, sent + count)));
      sent += count;
      // Reads while the other thread commits: nothing is waited for but the loop's turn.
      for (let turn = 0; turn < 3; turn++) {
        const size = beside.size('main');
        expect(beside.entries('main', 0, size)).toHaveLength(size);
        seen.set(
          size,
          rootAt(size, (level, i) => beside.node('main', level, i), hasher),
        );
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (round % 4 === 0) await appended;
    }
    while (beside.size('main') < sent) await new Promise((resolve) => setImmediate(resolve));
    const range = new CompactRange(hasher);
    for (const bytes of beside.entries('main', 0, sent)) {
      range.append(hasher.leafHash(bytes));
      const root = seen.get(range.size);
      if (root) expect(same(root, range.root())).toBe(true);
    }
    expect(seen.size).toBeGreaterThan(10);
  });

  it('reads the last partial tile whole, even where the writer turns the tail into a bundle', () => {
    using folder = temporaryFolder();
    using log = new OpenLog(folder);
    using beside = new SqliteLogReader(folder.log);
    grow(log, 0, 200);
    const before = beside.tile('main', 0, 0, 200)!;
    grow(log, 200, 300);
    expect(same(beside.tile('main', 0, 0, 200), before)).toBe(true);
    expect(beside.tile('main', 0, 0, 256)).toHaveLength(256 * 32);
    expect(beside.tile('main', 0, 1, 44)).toHaveLength(44 * 32);
    expect(beside.tile('main', 1, 0, 1)).toHaveLength(32);
  });
});
