import { CompactRange, TILE_WIDTH } from '@sealtrail/core';
import { describe, expect, it } from 'vitest';
import { NaiveTree } from './testing/naive-tree.ts';
import { OpenLog } from './testing/open-log.ts';
import { SeededRandom } from './testing/seeded-random.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';
import { TrailTip } from './trail-tip.ts';

const encoder = new TextEncoder();

/** Entry bytes; what they say does not matter to a tree. */
const entryOf = (i: number): Uint8Array => encoder.encode(`entry ${i}`);

/** A trail over a real store, taking entries in batches of given sizes. */
class Growing implements Disposable {
  readonly log: OpenLog;
  readonly entries: Uint8Array[] = [];
  readonly range: CompactRange;
  readonly #folder: ReturnType<typeof temporaryFolder>;
  tip: TrailTip;

  constructor() {
    this.#folder = temporaryFolder();
    this.log = new OpenLog(this.#folder);
    this.range = new CompactRange(this.log.hasher);
    this.tip = this.load();
  }

  load(): TrailTip {
    this.tip = new TrailTip(this.log.sequencer.trail('main')!, this.log.store.loadTip(1), 0, this.log.hasher);
    return this.tip;
  }

  push(): void {
    const i = this.entries.length;
    const entry = entryOf(i);
    const leafHash = this.log.hasher.leafHash(entry);
    const framed = Uint8Array.of(entry.length >>> 8, entry.length, ...entry);
    const id = new Uint8Array(16);
    new DataView(id.buffer).setUint32(0, i);
    expect(this.tip.push(framed, leafHash, id)).toBe(i);
    this.range.append(leafHash);
    this.entries.push(entry);
  }

  commit(): void {
    this.log.store.append([this.tip.takeAppend(() => this.log.store.readTail(1))]);
  }

  growTo(size: number): void {
    while (this.entries.length < size) this.push();
    this.commit();
  }

  expectStored(): void {
    const { entries, log } = this;
    expect(log.reader.size('main')).toBe(entries.length);
    expect(log.reader.entries('main', 0, entries.length).every((bytes, i) => same(bytes, entries[i]!))).toBe(
      true,
    );
    for (const { level, n, data } of new NaiveTree(entries, log.hasher).tiles()) {
      const stored = log.reader.tile('main', level, n, data.length / 32);
      expect(stored && same(stored, data), `tile ${level}/${n}`).toBe(true);
    }
  }

  [Symbol.dispose](): void {
    this.log[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe('TrailTip', () => {
  it('has the root of a compact range at every size up to 600', () => {
    using trail = new Growing();
    expect(trail.tip.root()).toEqual(trail.range.root());
    while (trail.entries.length < 600) {
      trail.push();
      expect(same(trail.tip.root(), trail.range.root()), `size ${trail.entries.length}`).toBe(true);
    }
  });

  it('has the right root, tiles and entries around every border up to 70,000, loaded again or not', () => {
    using trail = new Growing();
    const random = new SeededRandom(70_000);
    const sizes = [
      1, 255, 256, 257, 511, 512, 513, 4096, 65_279, 65_280, 65_281, 65_535, 65_536, 65_537, 65_792, 70_000,
    ];
    for (const size of sizes) {
      trail.growTo(size);
      expect(same(trail.tip.root(), trail.range.root()), `size ${size}`).toBe(true);
      if (random.chance(0.5))
        expect(same(trail.load().root(), trail.range.root()), `loaded at ${size}`).toBe(true);
    }
    trail.expectStored();
  });

  it.each([1, 2, 3])('stores the same whatever the sizes of batches are (seed %i)', (seed) => {
    using trail = new Growing();
    const random = new SeededRandom(seed);
    for (let batch = 0; batch < 60; batch++) {
      trail.growTo(trail.entries.length + random.pick([1, 2, 17, 255, 256, 257, random.integer(1, 700)]));
      if (random.chance(0.2)) trail.load();
      expect(same(trail.tip.root(), trail.range.root())).toBe(true);
    }
    trail.expectStored();
  });

  it('hands over nothing that it handed over before', () => {
    using trail = new Growing();
    trail.growTo(TILE_WIDTH + 3);
    expect(trail.tip.hasNew).toBe(false);
    trail.push();
    const append = trail.tip.takeAppend(() => trail.log.store.readTail(1));
    expect(append).toMatchObject({ firstIndex: TILE_WIDTH + 3, bundles: [], tiles: [], dropsTail: false });
    expect(append.ids.length).toBe(16);
  });

  it('asks for a stored tail where a bundle completes one, and not otherwise', () => {
    using trail = new Growing();
    const take = (to: number): { dropsTail: boolean; asked: number } => {
      let asked = 0;
      while (trail.entries.length < to) trail.push();
      const append = trail.tip.takeAppend(() => {
        asked++;
        return trail.log.store.readTail(1);
      });
      trail.log.store.append([append]);
      return { dropsTail: append.dropsTail, asked };
    };
    expect(take(TILE_WIDTH)).toEqual({ dropsTail: false, asked: 0 });
    expect(take(3 * TILE_WIDTH)).toEqual({ dropsTail: false, asked: 0 });
    expect(take(3 * TILE_WIDTH + 1)).toEqual({ dropsTail: false, asked: 0 });
    expect(take(3 * TILE_WIDTH + 9)).toEqual({ dropsTail: false, asked: 0 });
    expect(take(4 * TILE_WIDTH)).toEqual({ dropsTail: true, asked: 1 });
    expect(take(4 * TILE_WIDTH + 1)).toEqual({ dropsTail: false, asked: 0 });
    trail.expectStored();
  });

  it('shows an entry of the batch that is being built, and none before or after it', () => {
    using trail = new Growing();
    trail.growTo(300);
    trail.push();
    expect(trail.tip.pendingEntry(300)).toEqual(entryOf(300));
    expect(trail.tip.pendingEntry(299)).toBeUndefined();
    expect(trail.tip.pendingEntry(301)).toBeUndefined();
    trail.commit();
    expect(trail.tip.pendingEntry(300)).toBeUndefined();
  });
});
