import { zstdDecompressSync } from 'node:zlib';
import { bundleSlices, eventLimits, TILE_WIDTH } from '@sealtrail/core';
import type Database from 'better-sqlite3';
import type { TrailRecord } from '../../ports.ts';
import { BundleCache } from './bundle-cache.ts';

/** A bundle can never be larger than this; what claims to be is damaged. */
const maxBundleBytes = TILE_WIDTH * (2 + eventLimits.entryBytes);

/** More checkpoints than are kept of a day: see docs/decisions/0005. */
const maxLookedThrough = 8192;

interface CheckpointRow {
  readonly size: number;
  readonly note: string;
}

/** The reading statements of a log file, shared by its writer and its readers. */
export class LogStatements {
  readonly #trails: Database.Statement<[], TrailRecord>;
  readonly #trail: Database.Statement<[string], TrailRecord>;
  readonly #fullBundles: Database.Statement;
  readonly #bundle: Database.Statement;
  readonly #tail: Database.Statement;
  readonly #tailStarts: Database.Statement;
  readonly #tile: Database.Statement;
  readonly #maxId: Database.Statement;
  readonly #indexOf: Database.Statement;
  /** Full bundles never change, and who asks for one entry often asks for the next: a request sent again does. */
  readonly #bundles: BundleCache;
  readonly #lastCheckpoint: Database.Statement<[number], CheckpointRow>;
  readonly #checkpoint: Database.Statement<[number, number], CheckpointRow>;
  readonly #lastSignedBy: Database.Statement<[number, string], CheckpointRow>;

  /** @param cacheBytes decompressed bundles kept in memory */
  constructor(db: Database.Database, cacheBytes = 0) {
    this.#bundles = new BundleCache(cacheBytes);
    this.#trails = db.prepare('SELECT id, name, origin, vkey FROM trail ORDER BY id');
    this.#trail = db.prepare('SELECT id, name, origin, vkey FROM trail WHERE name = ?');
    this.#fullBundles = db.prepare('SELECT coalesce(max(n) + 1, 0) FROM bundle WHERE trail = ?').pluck();
    this.#bundle = db.prepare('SELECT data FROM bundle WHERE trail = ? AND n = ?').pluck();
    this.#tail = db.prepare('SELECT data FROM tail WHERE trail = ? ORDER BY start').pluck();
    this.#tailStarts = db
      .prepare('SELECT start, data FROM tail WHERE trail = ? ORDER BY start DESC LIMIT 1')
      .raw();
    this.#tile = db.prepare('SELECT data FROM tile WHERE trail = ? AND level = ? AND n = ?').pluck();
    this.#maxId = db.prepare('SELECT max(id) FROM entry_id WHERE trail = ?').pluck();
    this.#indexOf = db.prepare('SELECT idx FROM entry_id WHERE trail = ? AND id = ?').pluck();
    this.#lastCheckpoint = db.prepare(
      'SELECT size, note FROM checkpoint WHERE trail = ? ORDER BY size DESC LIMIT 1',
    );
    this.#checkpoint = db.prepare('SELECT size, note FROM checkpoint WHERE trail = ? AND size = ?');
    this.#lastSignedBy = db.prepare(
      `SELECT size, note FROM (SELECT size, note FROM checkpoint WHERE trail = ? ORDER BY size DESC LIMIT ${maxLookedThrough})
       WHERE instr(note, ?) > 0 ORDER BY size DESC LIMIT 1`,
    );
  }

  trails(): TrailRecord[] {
    return this.#trails.all();
  }

  trail(name: string): TrailRecord | undefined {
    return this.#trail.get(name);
  }

  fullBundles(trailId: number): number {
    return this.#fullBundles.get(trailId) as number;
  }

  /** Number of entries. */
  size(trailId: number): number {
    const last = this.#tailStarts.get(trailId) as [number, Uint8Array] | undefined;
    return last === undefined
      ? this.fullBundles(trailId) * TILE_WIDTH
      : last[0] + bundleSlices(last[1]).length;
  }

  /** A full bundle in tlog-tiles form, or undefined. It is shared: not to be changed. */
  bundle(trailId: number, n: number): Uint8Array | undefined {
    const known = this.#bundles.get(trailId, n);
    if (known) return known;
    const stored = this.#bundle.get(trailId, n) as Uint8Array | undefined;
    if (!stored) return undefined;
    const data = zstdDecompressSync(stored, { maxOutputLength: maxBundleBytes });
    this.#bundles.add(trailId, n, data);
    return data;
  }

  /** The entries after the last full bundle as one piece of tlog-tiles form. */
  tail(trailId: number): Uint8Array {
    return Buffer.concat(this.#tail.all(trailId) as Uint8Array[]);
  }

  /** Entries [from, to), or as many of them as there are. The caller holds a read transaction. */
  entries(trailId: number, from: number, to: number): Uint8Array[] {
    const found: Uint8Array[] = [];
    for (let n = Math.floor(from / TILE_WIDTH); n * TILE_WIDTH < to; n++) {
      const data =
        this.bundle(trailId, n) ?? (n === this.fullBundles(trailId) ? this.tail(trailId) : undefined);
      if (!data) break;
      const slices = bundleSlices(data);
      const end = Math.min(slices.length, to - n * TILE_WIDTH);
      for (let i = Math.max(0, from - n * TILE_WIDTH); i < end; i++) {
        found.push(data.subarray(slices[i]!.start, slices[i]!.end));
      }
    }
    return found;
  }

  tile(trailId: number, level: number, n: number): Uint8Array | undefined {
    return this.#tile.get(trailId, level, n) as Uint8Array | undefined;
  }

  maxId(trailId: number): Uint8Array | undefined {
    return (this.#maxId.get(trailId) as Uint8Array | null) ?? undefined;
  }

  indexOf(trailId: number, id: Uint8Array): number | undefined {
    return this.#indexOf.get(trailId, id) as number | undefined;
  }

  lastCheckpoint(trailId: number): CheckpointRow | undefined {
    return this.#lastCheckpoint.get(trailId);
  }

  checkpoint(trailId: number, size: number): CheckpointRow | undefined {
    return this.#checkpoint.get(trailId, size);
  }

  /** The largest checkpoint with a signature line that begins so, of the last day or so. Goes through those after it. */
  lastSignedBy(trailId: number, start: string): CheckpointRow | undefined {
    return this.#lastSignedBy.get(trailId, `\n— ${start}`);
  }
}
