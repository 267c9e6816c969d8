import { rmSync } from 'node:fs';
import { zstdCompressSync } from 'node:zlib';
import { bundleSlices, HASH_BYTES, SealtrailError, type StoredCheckpoint, TILE_WIDTH } from '@sealtrail/core';
import type Database from 'better-sqlite3';
import type {
  LogStore,
  StoredCheckpointKey,
  StoredTip,
  TrailAppend,
  TrailRecord,
  WriteFault,
} from '../../ports.ts';
import { probeSpace } from '../durable-file.ts';
import { LOG_FORMAT_VERSION, openLogForWriting } from './log-schema.ts';
import { LogStatements } from './log-statements.ts';

/**
 * Adds the ids of a whole batch in one statement: a round trip an event would cost more than hashing it.
 * `ids` holds 16 bytes an entry.
 */
const insertIds = `
WITH RECURSIVE entry(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM entry WHERE i + 1 < @count)
INSERT INTO entry_id (trail, id, idx) SELECT @trail, substr(@ids, i * 16 + 1, 16), @first + i FROM entry`;

/** The log in SQLite: see log-schema.ts for its tables. */
export class SqliteLogStore implements LogStore {
  readonly #db: Database.Database;
  /** What a probe writes; left by one that a crash has cut off. */
  readonly #probeFile: string;
  readonly #read: LogStatements;
  readonly #fault: WriteFault;
  readonly #insertTrail: Database.Statement;
  readonly #insertBundle: Database.Statement;
  readonly #insertTail: Database.Statement;
  readonly #dropTail: Database.Statement;
  readonly #putTile: Database.Statement;
  readonly #insertIds: Database.Statement;
  readonly #insertCheckpoint: Database.Statement;
  readonly #putCheckpoint: Database.Statement;
  readonly #dropCheckpoint: Database.Statement;
  readonly #checkpointsAfter: Database.Statement<[number, number, number], StoredCheckpoint>;

  constructor(file: string, fault: WriteFault = () => {}) {
    this.#probeFile = `${file}.probe`;
    rmSync(this.#probeFile, { force: true });
    this.#db = openLogForWriting(file);
    this.#read = new LogStatements(this.#db);
    this.#fault = fault;
    this.#insertTrail = this.#db.prepare(
      'INSERT INTO trail (id, name, origin, vkey) VALUES ((SELECT coalesce(max(id), 0) + 1 FROM trail), ?, ?, ?) ON CONFLICT (name) DO NOTHING',
    );
    this.#insertBundle = this.#db.prepare('INSERT INTO bundle (trail, n, data) VALUES (?, ?, ?)');
    this.#insertTail = this.#db.prepare('INSERT INTO tail (trail, start, data, hashes) VALUES (?, ?, ?, ?)');
    this.#dropTail = this.#db.prepare('DELETE FROM tail WHERE trail = ?');
    this.#putTile = this.#db.prepare(
      'INSERT INTO tile (trail, level, n, data) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data',
    );
    this.#insertIds = this.#db.prepare(insertIds);
    this.#insertCheckpoint = this.#db.prepare(
      'INSERT INTO checkpoint (trail, size, note) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#putCheckpoint = this.#db.prepare(
      'INSERT INTO checkpoint (trail, size, note) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET note = excluded.note',
    );
    this.#dropCheckpoint = this.#db.prepare('DELETE FROM checkpoint WHERE trail = ? AND size = ?');
    this.#checkpointsAfter = this.#db.prepare(
      'SELECT size, note FROM checkpoint WHERE trail = ? AND size > ? ORDER BY size LIMIT ?',
    );
  }

  trails(): readonly TrailRecord[] {
    return this.#read.trails();
  }

  createTrail(name: string, origin: string, vkey: string): TrailRecord {
    return this.#write('createTrail', () => {
      this.#insertTrail.run(name, origin, vkey);
      return this.#read.trail(name)!;
    });
  }

  loadTip(trailId: number): StoredTip {
    const fullBundles = this.#read.fullBundles(trailId);
    const upperTiles: Uint8Array[] = [];
    for (let level = 1, hashes = fullBundles; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
      const width = hashes % TILE_WIDTH;
      const tile =
        width === 0 ? new Uint8Array(0) : this.#read.tile(trailId, level, Math.floor(hashes / TILE_WIDTH));
      upperTiles.push(tile?.length === width * HASH_BYTES ? tile : missing('hash tile'));
    }
    const tail = this.readTail(trailId);
    return {
      tail: bundleSlices(tail).map(({ start, end }) => tail.subarray(start, end)),
      fullBundles,
      upperTiles,
      maxId: this.#read.maxId(trailId),
    };
  }

  readTail(trailId: number): Uint8Array {
    return this.#read.tail(trailId);
  }

  indexOf(trailId: number, id: Uint8Array): number | undefined {
    return this.#read.indexOf(trailId, id);
  }

  entry(trailId: number, index: number): Uint8Array {
    return this.#read.entries(trailId, index, index + 1)[0] ?? missing('entry');
  }

  append(appends: readonly TrailAppend[]): void {
    this.#write('append', () => {
      for (const { trailId, firstIndex, bundles, tail, dropsTail, tiles, ids } of appends) {
        this.#assertEnd(trailId, firstIndex);
        if (dropsTail) this.#dropTail.run(trailId);
        // No zstd checksum: leaf hashes are the stronger check, and a decoder that stops at a wrong checksum would hide
        // from verification which entry of the bundle it is.
        for (const { n, data } of bundles) this.#insertBundle.run(trailId, n, zstdCompressSync(data));
        if (tail) this.#insertTail.run(trailId, tail.start, tail.data, tail.hashes);
        for (const { level, n, data } of tiles) this.#putTile.run(trailId, level, n, data);
        this.#insertIds.run({ trail: trailId, ids, count: ids.length / 16, first: firstIndex });
      }
    });
  }

  addCheckpoints(
    checkpoints: readonly (StoredCheckpointKey & { readonly note: string })[],
    dropped: readonly StoredCheckpointKey[] = [],
  ): void {
    this.#write('checkpoint', () => {
      for (const { trailId, size, note } of checkpoints) this.#insertCheckpoint.run(trailId, size, note);
      for (const { trailId, size } of dropped) this.#dropCheckpoint.run(trailId, size);
    });
  }

  cosignCheckpoints(checkpoints: readonly (StoredCheckpointKey & { readonly note: string })[]): void {
    this.#write('cosign', () => {
      for (const { trailId, size, note } of checkpoints) this.#putCheckpoint.run(trailId, size, note);
    });
  }

  probe(bytes: number): void {
    probeSpace(this.#probeFile, bytes);
    // Setting it to what it is writes the first page all the same.
    this.#write('probe', () => this.#db.pragma(`user_version = ${LOG_FORMAT_VERSION}`));
  }

  checkpoint(trailId: number, size: number): StoredCheckpoint | undefined {
    return this.#read.checkpoint(trailId, size);
  }

  lastCheckpoint(trailId: number): StoredCheckpoint | undefined {
    return this.#read.lastCheckpoint(trailId);
  }

  checkpointsAfter(trailId: number, size: number, limit: number): readonly StoredCheckpoint[] {
    return this.#checkpointsAfter.all(trailId, size, limit);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  /** The last line against a fork, should two processes ever write here at once: asked within the transaction. */
  #assertEnd(trailId: number, firstIndex: number): void {
    const size = this.#read.size(trailId);
    if (size !== firstIndex) {
      throw new SealtrailError(
        'storage_unavailable',
        `entries from ${firstIndex} on were to be added to a trail that has ${size}: another process writes to this log; stop it. Nothing was added`,
      );
    }
  }

  /** One durable transaction; the fault hook stands for the disk failing just before or just after it. */
  #write<T>(point: Parameters<WriteFault>[0], work: () => T): T {
    this.#fault(point, 'before');
    const result = this.#db.transaction(work).immediate();
    this.#fault(point, 'after');
    return result;
  }
}

function missing(what: string): never {
  throw new SealtrailError(
    'data_folder_invalid',
    `the log lacks a stored ${what}; run sealtrail verify on the data folder`,
  );
}
