import { reasonOf } from '../errors.ts';
import { HASH_BYTES } from '../tree/hash.ts';
import { TILE_WIDTH, tilePath } from '../tree/tile.ts';
import type { TrailEvidence } from './evidence.ts';
import type { Faults } from './faults.ts';

/** The hashes of one stored tile. */
export class StoredTile {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Number of hashes. */
  get width(): number {
    return this.#bytes.length / HASH_BYTES;
  }

  /** A hash as a view into the tile; undefined beyond its width. */
  hash(i: number): Uint8Array | undefined {
    return i < this.width ? this.#bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES) : undefined;
  }

  /** Whether hash `i` is this one. False beyond the width. */
  matches(i: number, hash: Uint8Array): boolean {
    const start = i * HASH_BYTES;
    for (let k = 0; k < HASH_BYTES; k++) if (this.#bytes[start + k] !== hash[k]) return false;
    return true;
  }
}

/** Why there is no tile. What is unreadable has been noted as a fault already. */
export type NoTile = 'missing' | 'unreadable';

/** The entries below hashes `from` to `to` of tile level `level`, counted over all tiles of that level. */
export function entriesBelow(
  level: number,
  from: number,
  to: number,
): readonly [first: number, last: number] {
  const each = TILE_WIDTH ** level;
  return [from * each, (to + 1) * each - 1];
}

/** Reads stored hash tiles. */
export class StoredTiles {
  readonly #evidence: TrailEvidence;
  readonly #faults: Faults;

  constructor(evidence: TrailEvidence, faults: Faults) {
    this.#evidence = evidence;
    this.#faults = faults;
  }

  /** Whether the evidence has hash tiles at all. */
  get present(): boolean {
    return this.#evidence.tile !== undefined;
  }

  async read(level: number, n: number): Promise<StoredTile | NoTile> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#evidence.tile?.(level, n);
    } catch (error) {
      return this.#unreadable(level, n, reasonOf(error));
    }
    if (bytes === undefined || bytes.length === 0) return 'missing';
    if (bytes.length % HASH_BYTES !== 0 || bytes.length > TILE_WIDTH * HASH_BYTES)
      return this.#unreadable(
        level,
        n,
        `a tile is 1 to ${TILE_WIDTH} hashes of ${HASH_BYTES} bytes, got ${bytes.length} bytes`,
      );
    return new StoredTile(bytes);
  }

  #unreadable(level: number, n: number, reason: string): 'unreadable' {
    this.#faults.note('tileUnreadable', `${tilePath(level, n)}: ${reason}`);
    return 'unreadable';
  }
}
