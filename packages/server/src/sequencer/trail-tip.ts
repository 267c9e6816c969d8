import { HASH_BYTES, TILE_WIDTH, type TreeHasher } from '@sealtrail/core';
import type { StoredTip, TrailAppend, TrailRecord } from '../ports.ts';
import { RecentIds } from './recent-ids.ts';

/** The growing last tile of one level. */
interface GrowingTile {
  readonly hashes: Uint8Array;
  width: number;
}

/**
 * The right edge of one trail's tree, in memory: what is needed to append without reading. It runs ahead of the store
 * while a batch is being built; when the commit fails it is thrown away and loaded again.
 */
export class TrailTip {
  readonly trail: TrailRecord;
  readonly recentIds: RecentIds;
  /** Entries, those of the batch being built included. */
  size: number;
  /** Milliseconds since 1970 of the last entry's receive time. */
  lastReceivedMs: number;
  readonly #hasher: TreeHasher;
  readonly #levels: GrowingTile[] = [];
  #batch: BatchBuilder;

  constructor(trail: TrailRecord, stored: StoredTip, lastReceivedMs: number, hasher: TreeHasher) {
    this.trail = trail;
    this.#hasher = hasher;
    this.lastReceivedMs = lastReceivedMs;
    this.size = stored.fullBundles * TILE_WIDTH + stored.tail.length;
    this.recentIds = new RecentIds(stored.maxId === undefined ? '' : idKey(stored.maxId, 0));
    const leafTile = this.#level(0);
    for (const entry of stored.tail)
      leafTile.hashes.set(hasher.leafHash(entry), HASH_BYTES * leafTile.width++);
    stored.upperTiles.forEach((hashes, i) => {
      const tile = this.#level(i + 1);
      tile.hashes.set(hashes);
      tile.width = hashes.length / HASH_BYTES;
    });
    this.#batch = new BatchBuilder(this.size);
  }

  /** Takes one entry, in tlog-tiles form, whose leaf hash is known, and returns its index. */
  push(framed: Uint8Array, leafHash: Uint8Array, id: Uint8Array): number {
    const index = this.size++;
    this.#batch.add(framed, id, leafHash);
    this.#pushHash(0, leafHash);
    if (this.size % TILE_WIDTH === 0) this.#batch.completeBundle(index);
    return index;
  }

  /** True when the batch being built holds entries. */
  get hasNew(): boolean {
    return this.size > this.#batch.firstIndex;
  }

  /** What has been pushed since the last take, for the store. `readTail` is asked when a bundle completes a stored tail. */
  takeAppend(readTail: () => Uint8Array): TrailAppend {
    const batch = this.#batch;
    this.#batch = new BatchBuilder(this.size);
    const grown = this.#levels.flatMap((tile, level) =>
      level > 0 && tile.width > 0 && batch.touched.has(level)
        ? [{ level, n: this.#tileNumber(level), data: tile.hashes.slice(0, tile.width * HASH_BYTES) }]
        : [],
    );
    return batch.finish(this.trail.id, this.size, grown, readTail);
  }

  /** Root of the tree with everything pushed so far. */
  root(): Uint8Array {
    // A level's partial tile followed by the root of what is below and right of it is an RFC 6962 tree of its own:
    // every element but the last stands for the same power of two of leaves.
    let right: Uint8Array | undefined;
    for (const tile of this.#levels) {
      const hashes = Array.from({ length: tile.width }, (_, i) =>
        tile.hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
      );
      if (right) hashes.push(right);
      right = subtreeRoot(hashes, this.#hasher);
    }
    return right ?? this.#hasher.emptyRoot;
  }

  /** Bytes of an entry that is pushed but not yet taken by the store, or undefined. */
  pendingEntry(index: number): Uint8Array | undefined {
    return this.#batch.entry(index);
  }

  #level(level: number): GrowingTile {
    let tile = this.#levels[level];
    if (!tile) {
      tile = { hashes: new Uint8Array(TILE_WIDTH * HASH_BYTES), width: 0 };
      this.#levels[level] = tile;
    }
    return tile;
  }

  /** Number of the tile that is growing at a level, above the leaves. */
  #tileNumber(level: number): number {
    return Math.floor(this.size / TILE_WIDTH ** (level + 1));
  }

  #pushHash(level: number, hash: Uint8Array): void {
    const tile = this.#level(level);
    tile.hashes.set(hash, HASH_BYTES * tile.width++);
    this.#batch.touched.add(level);
    if (tile.width < TILE_WIDTH) return;
    const data = tile.hashes.slice();
    // `size` already counts the entry that completed the tile.
    this.#batch.tiles.push({ level, n: this.#tileNumber(level) - 1, data });
    tile.width = 0;
    const hashes = Array.from({ length: TILE_WIDTH }, (_, i) =>
      data.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
    );
    this.#pushHash(level + 1, subtreeRoot(hashes, this.#hasher)!);
  }
}

/** What one batch adds to a trail, while it is put together. */
class BatchBuilder {
  readonly firstIndex: number;
  readonly touched: Set<number> = new Set();
  readonly tiles: { level: number; n: number; data: Uint8Array }[] = [];
  readonly #bundles: { n: number; parts: Uint8Array[] }[] = [];
  readonly #ids: Uint8Array[] = [];
  readonly #entries: Uint8Array[] = [];
  #parts: Uint8Array[] = [];
  /** Leaf hashes of `#parts`. */
  #hashes: Uint8Array[] = [];

  constructor(firstIndex: number) {
    this.firstIndex = firstIndex;
  }

  add(framed: Uint8Array, id: Uint8Array, leafHash: Uint8Array): void {
    this.#parts.push(framed);
    this.#hashes.push(leafHash);
    this.#ids.push(id);
    this.#entries.push(framed);
  }

  entry(index: number): Uint8Array | undefined {
    return this.#entries[index - this.firstIndex]?.subarray(2);
  }

  completeBundle(lastIndex: number): void {
    this.#bundles.push({ n: Math.floor(lastIndex / TILE_WIDTH), parts: this.#parts });
    this.#parts = [];
    this.#hashes = [];
  }

  finish(
    trailId: number,
    size: number,
    grown: TrailAppend['tiles'],
    readTail: () => Uint8Array,
  ): TrailAppend {
    const dropsTail = this.#bundles.length > 0 && this.firstIndex % TILE_WIDTH !== 0;
    if (dropsTail) this.#bundles[0]!.parts.unshift(readTail());
    const tailStart = Math.max(this.firstIndex, Math.floor(size / TILE_WIDTH) * TILE_WIDTH);
    return {
      trailId,
      firstIndex: this.firstIndex,
      bundles: this.#bundles.map(({ n, parts }) => ({ n, data: Buffer.concat(parts) })),
      tail:
        this.#parts.length > 0
          ? { start: tailStart, data: Buffer.concat(this.#parts), hashes: Buffer.concat(this.#hashes) }
          : undefined,
      dropsTail,
      tiles: [...this.tiles, ...grown],
      ids: Buffer.concat(this.#ids),
    };
  }
}

/** RFC 6962 root of a list of node hashes, by halving levels: a lone last hash moves up unchanged. */
function subtreeRoot(hashes: readonly Uint8Array[], hasher: TreeHasher): Uint8Array | undefined {
  let row = hashes;
  while (row.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i + 1 < row.length; i += 2) above.push(hasher.nodeHash(row[i]!, row[i + 1]!));
    if (row.length % 2 === 1) above.push(row[row.length - 1]!);
    row = above;
  }
  return row[0];
}

/** An event id as a map key whose order is the order of the bytes. */
export function idKey(ids: Uint8Array, offset: number): string {
  return Buffer.from(ids.buffer, ids.byteOffset + offset, 16).toString('latin1');
}
