import { CompactRange } from '../tree/compact-range.ts';
import { createTreeHasher, type TreeHasher } from '../tree/hash.ts';
import type { GetNode } from '../tree/proof.ts';
import { partialWidth, TILE_WIDTH } from '../tree/tile.ts';

/** A whole tree in memory: every complete subtree, by level and index. */
export class MemoryTree {
  readonly hasher: TreeHasher;
  readonly #range: CompactRange;
  readonly #levels: Uint8Array[][] = [];

  constructor(hasher: TreeHasher = createTreeHasher()) {
    this.hasher = hasher;
    this.#range = new CompactRange(hasher);
  }

  get size(): number {
    return this.#range.size;
  }

  append(entry: Uint8Array): void {
    this.#range.append(this.hasher.leafHash(entry), (level, index, hash) => {
      this.#levels[level] ??= [];
      this.#levels[level][index] = hash;
    });
  }

  root(): Uint8Array {
    return this.#range.root();
  }

  readonly getNode: GetNode = (level, index) => {
    const hash = this.#levels[level]?.[index];
    if (hash === undefined) throw new Error(`node (${level}, ${index}) is not complete at size ${this.size}`);
    return hash;
  };

  /** Bytes of the tile (level, n) at a size; empty where there is none. */
  tile(level: number, n: number, size: number = this.size): Uint8Array {
    const width = partialWidth(level, n, size);
    const bytes = new Uint8Array(width * 32);
    for (let i = 0; i < width; i++) bytes.set(this.getNode(8 * level, n * TILE_WIDTH + i), 32 * i);
    return bytes;
  }
}
