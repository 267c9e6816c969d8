import { HASH_BYTES, partialWidth, TILE_WIDTH, type TreeHasher } from '@sealtrail/core';

/** Hash tiles of a list of entries, made the plain way: level by level over everything. */
export class NaiveTree {
  readonly #levels: Uint8Array[][] = [];
  readonly #size: number;

  constructor(entries: readonly Uint8Array[], hasher: TreeHasher) {
    this.#size = entries.length;
    let row = entries.map((entry) => hasher.leafHash(entry));
    while (row.length > 0) {
      this.#levels.push(row);
      const below = row;
      row = Array.from({ length: Math.floor(below.length / 2) }, (_, i) =>
        hasher.nodeHash(below[2 * i]!, below[2 * i + 1]!),
      );
    }
  }

  /** Root of the complete subtree (level, index). */
  node(level: number, index: number): Uint8Array {
    return this.#levels[level]![index]!;
  }

  /** Every tile that has a hash in it: level, number, bytes. */
  *tiles(): Generator<{ level: number; n: number; data: Uint8Array }> {
    for (let level = 0; partialWidth(level, 0, this.#size) > 0; level++) {
      for (let n = 0; partialWidth(level, n, this.#size) > 0; n++) {
        const width = partialWidth(level, n, this.#size);
        const data = new Uint8Array(width * HASH_BYTES);
        for (let i = 0; i < width; i++) data.set(this.node(8 * level, n * TILE_WIDTH + i), i * HASH_BYTES);
        yield { level, n, data };
      }
    }
  }
}
