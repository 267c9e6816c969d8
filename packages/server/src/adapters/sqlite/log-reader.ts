import {
  bundleSlices,
  createTreeHasher,
  HASH_BYTES,
  hashInTile,
  type NoteSignature,
  partialWidth,
  SealtrailError,
  type StoredCheckpoint,
  TILE_WIDTH,
  type TreeHasher,
  tileOfNode,
} from '@sealtrail/core';
import type Database from 'better-sqlite3';
import type { TileReader } from '../../ports.ts';
import { nativeSha256 } from '../native-sha256.ts';
import { openLogForReading } from './log-schema.ts';
import { LogStatements } from './log-statements.ts';

/** Reads a log beside its writer. Each call sees one committed state. */
export class SqliteLogReader implements TileReader {
  readonly #db: Database.Database;
  readonly #read: LogStatements;
  readonly #hasher: TreeHasher = createTreeHasher(nativeSha256);
  readonly #ids: Map<string, number> = new Map();

  /** @param cacheBytes decompressed entries kept in memory; by default just the bundle used last */
  constructor(file: string, cacheBytes = 0) {
    this.#db = openLogForReading(file);
    this.#read = new LogStatements(this.#db, cacheBytes);
  }

  trails(): readonly { readonly name: string; readonly size: number }[] {
    return this.#snapshot(() =>
      this.#read.trails().map(({ id, name }) => ({ name, size: this.#read.size(id) })),
    );
  }

  size(trail: string): number {
    return this.#snapshot(() => this.#read.size(this.#id(trail)));
  }

  entries(trail: string, from: number, to: number): Uint8Array[] {
    return this.#snapshot(() => this.#read.entries(this.#id(trail), from, to));
  }

  indexOf(trail: string, id: Uint8Array): number | undefined {
    return this.#read.indexOf(this.#id(trail), id);
  }

  node(trail: string, level: number, index: number): Uint8Array {
    return this.#snapshot(() => {
      const at = tileOfNode(level, index);
      const tile = this.#tile(trail, at.level, at.n);
      if (!tile)
        throw new SealtrailError(
          'data_folder_invalid',
          `the log lacks hash tile ${at.n} of level ${at.level}; run sealtrail verify`,
        );
      return hashInTile(tile, at.nodeLevel, at.nodeIndex, this.#hasher);
    });
  }

  tile(trail: string, level: number, n: number, width: number): Uint8Array | undefined {
    return this.#snapshot(() => {
      const tile = this.#tile(trail, level, n);
      return tile && tile.length >= width * HASH_BYTES ? tile.subarray(0, width * HASH_BYTES) : undefined;
    });
  }

  bundle(trail: string, n: number, width: number): Uint8Array | undefined {
    return this.#snapshot(() => {
      const id = this.#id(trail);
      const data =
        this.#read.bundle(id, n) ?? (n === this.#read.fullBundles(id) ? this.#read.tail(id) : undefined);
      const slices = data && bundleSlices(data);
      return slices && slices.length >= width ? data.subarray(0, slices[width - 1]!.end) : undefined;
    });
  }

  lastSignedBy(
    trail: string,
    { name, keyId }: Pick<NoteSignature, 'name' | 'keyId'>,
  ): StoredCheckpoint | undefined {
    // A signature begins with the key id: five characters of base64 have 30 of its 32 bits.
    const start = Buffer.from(keyId, 'hex').toString('base64').slice(0, 5);
    return this.#read.lastSignedBy(this.#id(trail), `${name} ${start}`);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  /** Level-0 tiles are stored when full; the partial one is the leaf hashes of the stored tail. */
  #tile(trail: string, level: number, n: number): Uint8Array | undefined {
    const id = this.#id(trail);
    const stored = this.#read.tile(id, level, n);
    if (stored || level > 0) return stored;
    const size = this.#read.size(id);
    if (partialWidth(0, n, size) === 0 || n !== Math.floor(size / TILE_WIDTH)) return undefined;
    const tail = this.#read.tail(id);
    return Buffer.concat(
      bundleSlices(tail).map(({ start, end }) => this.#hasher.leafHash(tail.subarray(start, end))),
    );
  }

  /** Ids of trails never change; new trails appear. */
  #id(trail: string): number {
    const known = this.#ids.get(trail);
    if (known !== undefined) return known;
    const found = this.#read.trail(trail);
    if (!found) throw new SealtrailError('trail_not_found', `expected a trail of this store, got ${trail}`);
    this.#ids.set(trail, found.id);
    return found.id;
  }

  #snapshot<T>(work: () => T): T {
    return this.#db.inTransaction ? work() : this.#db.transaction(work)();
  }
}
