import { setImmediate as nextTurn } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import {
  decodeBundle,
  type Entry,
  type EntryBatch,
  type EntryFacts,
  eventLimits,
  HASH_BYTES,
  reasonOf,
  type StoredCheckpoint,
  type StoreFault,
  TILE_WIDTH,
  type TrailEvidence,
  ZstdFrames,
} from '@sealtrail/core';
import type Database from 'better-sqlite3';
import type { TrailRecord } from '../../ports.ts';
import { EntryIdEvidence } from './entry-id-evidence.ts';
import { signedSize } from './published-evidence.ts';
import { UnsignedEvidence } from './unsigned-evidence.ts';

const maxBundleBytes = TILE_WIDTH * (2 + eventLimits.entryBytes);

/** Bundles read between two turns of the event loop, without which no signal would be heard until the end. */
const bundlesPerTurn = 16;

const text = new TextDecoder('utf-8', { fatal: true });

/** What the verifier knows of a trail from elsewhere than its log. */
export interface KnownCheckpoints {
  /** The last published one, kept apart from the log. */
  readonly published?: string | undefined;
  /** The one that the verifier saw the last time. */
  readonly remembered?: string | undefined;
}

/** One trail of a log file as evidence. All reads see the state that the connection's transaction has fixed. */
export class StoredTrailEvidence implements TrailEvidence {
  readonly name: string;
  readonly origin: string;
  readonly vkey: string;
  readonly published?: string;
  readonly remembered?: string;
  readonly #db: Database.Database;
  readonly #id: number;
  readonly #tile: Database.Statement;
  readonly #tailHashes: Database.Statement<
    [number, number, number],
    { start: number; hashes: Uint8Array | null }
  >;
  readonly #ids: EntryIdEvidence;
  readonly #unsigned: UnsignedEvidence;
  readonly #layoutFaults: StoreFault[] = [];
  #size = 0;

  constructor(db: Database.Database, record: TrailRecord, known: KnownCheckpoints) {
    this.#db = db;
    this.#id = record.id;
    this.name = record.name;
    this.origin = record.origin;
    this.vkey = record.vkey;
    if (known.published !== undefined) this.published = known.published;
    if (known.remembered !== undefined) this.remembered = known.remembered;
    this.#tile = db.prepare('SELECT data FROM tile WHERE trail = ? AND level = ? AND n = ?').pluck();
    this.#tailHashes = db.prepare(
      'SELECT start, hashes FROM tail WHERE trail = ? AND start >= ? AND start < ? ORDER BY start',
    );
    this.#ids = new EntryIdEvidence(db, record.id);
    this.#unsigned = new UnsignedEvidence(Math.max(largestStored(db, record.id), sizeIn(known.published)));
  }

  async *entries(): AsyncGenerator<EntryBatch, undefined> {
    const bundles = this.#db.prepare('SELECT n, data FROM bundle WHERE trail = ? ORDER BY n').raw();
    let turn = 0;
    await nextTurn();
    for (const [n, data] of bundles.iterate(this.#id) as Iterable<[number, Uint8Array]>) {
      const start = n * TILE_WIDTH;
      const batch = readBatch(start, TILE_WIDTH, () =>
        zstdDecompressSync(data, { maxOutputLength: maxBundleBytes }),
      );
      if ('entries' in batch && batch.entries.length !== TILE_WIDTH)
        this.#layoutFault(
          start,
          `Bundle ${n} is stored as full, which is ${TILE_WIDTH} entries, and holds ${batch.entries.length}.`,
        );
      if ('entries' in batch && !isOneFrame(data))
        this.#layoutFault(
          start,
          `Something stands behind the entries in bundle ${n}, where no reader sees it.`,
        );
      this.#size = start + TILE_WIDTH;
      if (++turn % bundlesPerTurn === 0) await nextTurn();
      yield batch;
    }
    yield* this.#tail();
    return undefined;
  }

  async tile(level: number, n: number): Promise<Uint8Array | undefined> {
    const stored = this.#tile.get(this.#id, level, n) as Uint8Array | undefined;
    if (stored !== undefined || level > 0) return stored;
    // The partial tile of the leaves is kept with the entries of the tail.
    const first = n * TILE_WIDTH;
    const parts: Uint8Array[] = [];
    let end = first;
    for (const { start, hashes } of this.#tailHashes.all(this.#id, first, first + TILE_WIDTH)) {
      // Behind a row that is missing, hashes would stand in the place of others.
      if (start !== end || hashes === null) break;
      parts.push(hashes);
      end += hashes.length / HASH_BYTES;
    }
    return parts.length === 0 ? undefined : Buffer.concat(parts);
  }

  async *checkpoints(): AsyncGenerator<StoredCheckpoint, undefined> {
    const rows = this.#db.prepare<[number], StoredCheckpoint>(
      'SELECT size, note FROM checkpoint WHERE trail = ? ORDER BY size',
    );
    yield* rows.iterate(this.#id);
    return undefined;
  }

  async *storeFaults(): AsyncGenerator<StoreFault, undefined> {
    yield* this.#layoutFaults;
    yield* this.#tileFaults();
    yield* this.#unsigned.faults();
    yield* this.#ids.faults(this.#size);
    return undefined;
  }

  /** Reads what verification wants to know of an entry, and notes its id on the way. */
  inspectEntry(bytes: Uint8Array, index: number): EntryFacts | undefined {
    const { id, trail, receivedAt } = JSON.parse(text.decode(bytes)) as Partial<Entry>;
    if (typeof id !== 'string' || typeof trail !== 'string' || typeof receivedAt !== 'string')
      return undefined;
    this.#unsigned.note(index, receivedAt);
    return this.#ids.note(index, id) ? { trail, receivedAt } : undefined;
  }

  /** The entries after the bundles: fewer than fill one, in rows of one or more, each with its leaf hash. */
  *#tail(): Generator<EntryBatch, undefined> {
    const rows = this.#db
      .prepare('SELECT start, data, hashes FROM tail WHERE trail = ? ORDER BY start')
      .raw();
    let total = 0;
    for (const [start, data, hashes] of rows.iterate(this.#id) as Iterable<
      [number, Uint8Array, Uint8Array | null]
    >) {
      const hashCount = (hashes?.length ?? 0) / HASH_BYTES;
      const expected = Math.min(Math.max(Math.floor(hashCount), 1), TILE_WIDTH);
      const batch = readBatch(start, expected, () => data);
      const count = 'entries' in batch ? batch.entries.length : batch.count;
      if (count === 0 || hashCount !== count)
        this.#layoutFault(
          start,
          `In a row of the unfinished end of the log, the numbers of entries and of their hashes should be equal and are ${count} and ${hashCount}.`,
        );
      total += count;
      this.#size = start + count;
      yield batch;
    }
    if (total >= TILE_WIDTH)
      this.#layoutFault(
        this.#size - total,
        `The unfinished end of the log holds ${total} entries, which fill a bundle.`,
      );
    return undefined;
  }

  #layoutFault(firstIndex: number, message: string): void {
    this.#layoutFaults.push({
      check: 'store',
      code: 'modified',
      firstIndex,
      message: `${message} The server never writes that.`,
      advice: 'Find out who wrote to log.db.',
    });
  }

  /** No tile beyond those that the size calls for; that each of these is there and right is checked with the entries. */
  *#tileFaults(): Generator<StoreFault, undefined> {
    const full = Math.floor(this.#size / TILE_WIDTH);
    let expected = full;
    for (let hashes = full; hashes > 0; hashes = Math.floor(hashes / TILE_WIDTH))
      expected += Math.ceil(hashes / TILE_WIDTH);
    const count = this.#db.prepare('SELECT count(*) FROM tile WHERE trail = ?').pluck();
    const stored = count.get(this.#id) as number;
    if (stored > expected)
      yield {
        check: 'store',
        code: 'modified',
        message: `The log holds ${stored} hash tiles where a trail of this size has ${expected}: some were added, or it was longer once.`,
        advice: 'Find out who wrote to log.db.',
      };
    return undefined;
  }
}

/** Whether data is one zstd frame and nothing else: no reader sees what stands behind it, or in frames to be skipped. */
function isOneFrame(data: Uint8Array): boolean {
  const frames = new ZstdFrames();
  frames.see(data);
  return frames.areComplete && frames.count === 1;
}

/** @param expected entries that the batch should hold */
function readBatch(start: number, expected: number, read: () => Uint8Array): EntryBatch {
  try {
    return { start, entries: decodeBundle(read()) };
  } catch (error) {
    const reason = reasonOf(error);
    return { start, count: expected, unreadable: reason };
  }
}

/** The largest size under which a checkpoint is stored; damage is reported where checkpoints are read. */
function largestStored(db: Database.Database, trail: number): number {
  try {
    const largest = db.prepare('SELECT max(size) FROM checkpoint WHERE trail = ?').pluck().get(trail);
    return typeof largest === 'number' ? largest : 0;
  } catch {
    return 0;
  }
}

const sizeIn = (note: string | undefined): number => (note === undefined ? 0 : (signedSize(note) ?? 0));
