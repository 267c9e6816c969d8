import { zstdDecompressSync } from 'node:zlib';
import {
  bundleSlices,
  type Entry,
  type EntryBatch,
  type EntryFacts,
  eventLimits,
  type StoredCheckpoint,
  type StoreFault,
  TILE_WIDTH,
  type TrailEvidence,
  uuidBytes,
} from '@sealtrail/core';
import type Database from 'better-sqlite3';
import type { TrailRecord } from '../../ports.ts';
import {
  expectedLogFormat,
  expectedLogSchema,
  openPossiblyDamagedLog,
  readLogFormat,
  readLogSchema,
} from './log-schema.ts';

const maxBundleBytes = TILE_WIDTH * (2 + eventLimits.entryBytes);
/** Faults of one kind reported one by one; a damaged table would otherwise fill the verdict. */
const maxFaultsEach = 20;

const text = new TextDecoder('utf-8', { fatal: true });

/**
 * A log file as evidence: reads what is stored and believes none of it. All trails are read within one transaction, so
 * that a writer beside does not show up as a fault.
 */
export class LogEvidence implements Disposable {
  readonly #db: Database.Database;

  /** @throws when the file cannot be opened as SQLite at all */
  constructor(file: string) {
    this.#db = openPossiblyDamagedLog(file);
    try {
      this.#db.exec('BEGIN');
      this.trails = this.#db
        .prepare<[], TrailRecord>('SELECT id, name, origin, vkey FROM trail ORDER BY id')
        .all();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** What the log says its trails are, in the order in which they were made. */
  readonly trails: readonly TrailRecord[];

  /** Faults that belong to no single trail: the schema, damaged pages, rows of trails that do not exist. */
  fileFaults(): StoreFault[] {
    const faults: StoreFault[] = [];
    const fault = (code: StoreFault['code'], message: string): void =>
      void faults.push({ check: 'store', code, message });
    if (readLogFormat(this.#db) !== expectedLogFormat)
      fault('modified', `log.db is not marked as a Sealtrail log of format ${expectedLogFormat}.`);
    const schema = readLogSchema(this.#db);
    const expected = expectedLogSchema();
    if (schema.join('\n') !== expected.join('\n'))
      fault(
        'modified',
        'The tables of log.db are not the ones of this format: something was added to its schema, or taken from it.',
      );
    const damage = this.#db.pragma('quick_check(1)', { simple: true });
    if (damage !== 'ok') fault('unreadable', `SQLite finds log.db damaged: ${String(damage).slice(0, 200)}`);
    for (const table of ['bundle', 'tail', 'tile', 'entry_id', 'checkpoint']) {
      const orphan = this.#db
        .prepare(`SELECT trail FROM ${table} WHERE trail NOT IN (SELECT id FROM trail) LIMIT 1`)
        .pluck()
        .get();
      if (orphan !== undefined)
        fault(
          'modified',
          `Table ${table} of log.db has rows of trail number ${String(orphan)}, which does not exist.`,
        );
    }
    this.trails.forEach((trail, i) => {
      if (trail.id !== i + 1)
        fault(
          'modified',
          `Trails are numbered from 1 without gaps, but trail ${trail.name} has the number ${trail.id}.`,
        );
    });
    return faults;
  }

  /** One trail as evidence for `verifyTrail`; pass its `inspectEntry` along. */
  trail(
    record: TrailRecord,
    published: string | undefined,
  ): TrailEvidence & { inspectEntry(entry: Uint8Array): EntryFacts | undefined } {
    return new TrailOfLog(this.#db, record, published);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

class TrailOfLog implements TrailEvidence {
  readonly name: string;
  readonly origin: string;
  readonly vkey: string;
  readonly published?: string;
  readonly #db: Database.Database;
  readonly #id: number;
  /** Index of each entry handed out, to know whose id it is when its content is looked at. */
  readonly #indexes: WeakMap<Uint8Array, number> = new WeakMap();
  /** Event ids by index; grows as entries are read. */
  #ids: Uint8Array = new Uint8Array(16 * 1024);
  #idCount = 0;
  #size = 0;

  constructor(db: Database.Database, record: TrailRecord, published: string | undefined) {
    this.#db = db;
    this.#id = record.id;
    this.name = record.name;
    this.origin = record.origin;
    this.vkey = record.vkey;
    if (published !== undefined) this.published = published;
  }

  async *entries(): AsyncGenerator<EntryBatch> {
    const bundles = this.#db.prepare('SELECT n, data FROM bundle WHERE trail = ? ORDER BY n').raw();
    let end = 0;
    for (const [n, data] of bundles.iterate(this.#id) as Iterable<[number, Uint8Array]>) {
      const start = n * TILE_WIDTH;
      const batch = this.#batch(
        start,
        data,
        (stored) => zstdDecompressSync(stored, { maxOutputLength: maxBundleBytes }),
        TILE_WIDTH,
      );
      end = start + TILE_WIDTH;
      yield batch;
    }
    const tails = this.#db
      .prepare('SELECT start, data FROM tail WHERE trail = ? ORDER BY start')
      .raw()
      .all(this.#id) as [number, Uint8Array][];
    for (const [i, [start, data]] of tails.entries()) {
      const next = tails[i + 1]?.[0];
      const batch = this.#batch(
        start,
        data,
        (stored) => stored,
        next === undefined ? 1 : Math.max(1, next - start),
      );
      end = start + ('entries' in batch ? batch.entries.length : batch.count);
      yield batch;
    }
    this.#size = end;
  }

  async tile(level: number, n: number): Promise<Uint8Array | undefined> {
    const stored = this.#storedTile(level, n);
    if (stored || level > 0 || n !== this.#fullBundles()) return stored;
    // The partial tile of the leaves is kept with the entries of the tail.
    const hashes = this.#db
      .prepare('SELECT hashes FROM tail WHERE trail = ? ORDER BY start')
      .pluck()
      .all(this.#id) as Uint8Array[];
    return hashes.length === 0 ? undefined : Buffer.concat(hashes);
  }

  #fullBundles(): number {
    return this.#db
      .prepare('SELECT coalesce(max(n) + 1, 0) FROM bundle WHERE trail = ?')
      .pluck()
      .get(this.#id) as number;
  }

  #storedTile(level: number, n: number): Uint8Array | undefined {
    return this.#db
      .prepare('SELECT data FROM tile WHERE trail = ? AND level = ? AND n = ?')
      .pluck()
      .get(this.#id, level, n) as Uint8Array | undefined;
  }

  async *checkpoints(): AsyncGenerator<StoredCheckpoint> {
    yield* this.#db
      .prepare<[number], StoredCheckpoint>('SELECT size, note FROM checkpoint WHERE trail = ? ORDER BY size')
      .iterate(this.#id);
  }

  async *storeFaults(): AsyncGenerator<StoreFault> {
    yield* this.#idFaults();
    yield* this.#tileFaults();
    yield* this.#rowFaults();
  }

  /** Reads what verification wants to know of an entry, and notes its id on the way. */
  inspectEntry(bytes: Uint8Array): EntryFacts | undefined {
    const source = text.decode(bytes);
    const entry = JSON.parse(source) as Entry;
    if (
      typeof entry.id !== 'string' ||
      typeof entry.trail !== 'string' ||
      typeof entry.receivedAt !== 'string'
    )
      return undefined;
    // What the sequencer writes is what JSON.stringify writes, but for keys that look like numbers; those it cannot tell.
    const index = this.#indexes.get(bytes);
    if (index !== undefined) this.#noteId(index, entry.id);
    return { trail: entry.trail, receivedAt: entry.receivedAt };
  }

  #batch(
    start: number,
    data: Uint8Array,
    decode: (data: Uint8Array) => Uint8Array,
    count: number,
  ): EntryBatch {
    try {
      const bytes = decode(data);
      const entries = bundleSlices(bytes).map((slice) => bytes.subarray(slice.start, slice.end));
      for (const [i, entry] of entries.entries()) this.#indexes.set(entry, start + i);
      return { start, entries };
    } catch (error) {
      return { start, count, unreadable: error instanceof Error ? error.message : 'it cannot be decoded' };
    }
  }

  #noteId(index: number, id: string): void {
    if (this.#ids.length < (index + 1) * 16) {
      const grown = new Uint8Array(Math.max(this.#ids.length * 2, (index + 1) * 16));
      grown.set(this.#ids);
      this.#ids = grown;
    }
    this.#ids.set(uuidBytes(id), index * 16);
    this.#idCount = Math.max(this.#idCount, index + 1);
  }

  /** The table of event ids says of every entry its id, once, and nothing else. */
  *#idFaults(): Generator<StoreFault> {
    let reported = 0;
    let rows = 0;
    const fault = (code: StoreFault['code'], message: string, firstIndex?: number): StoreFault => ({
      check: 'store',
      code,
      message,
      ...(firstIndex !== undefined && { firstIndex }),
    });
    for (const [id, index] of this.#db
      .prepare('SELECT id, idx FROM entry_id WHERE trail = ?')
      .raw()
      .iterate(this.#id) as Iterable<[Uint8Array, number]>) {
      rows++;
      if (reported >= maxFaultsEach) continue;
      if (index < 0 || index >= this.#size) {
        reported++;
        yield fault(
          'modified',
          `The table of event ids names entry ${index}, which the trail does not have.`,
        );
      } else if (
        index < this.#idCount &&
        Buffer.compare(id, this.#ids.subarray(index * 16, index * 16 + 16)) !== 0
      ) {
        reported++;
        yield fault(
          'modified',
          `The table of event ids gives entry ${index} another id than the entry itself.`,
          index,
        );
      }
    }
    if (rows !== this.#size) {
      yield fault(
        'modified',
        `The table of event ids has ${rows} rows for ${this.#size} entries: an event could be recorded twice, or refused.`,
      );
    }
  }

  /** No tile beyond those that the size calls for. */
  *#tileFaults(): Generator<StoreFault> {
    const full = Math.floor(this.#size / TILE_WIDTH);
    let expected = full;
    for (let hashes = full; hashes > 0; hashes = Math.floor(hashes / TILE_WIDTH))
      expected += Math.ceil(hashes / TILE_WIDTH);
    const stored = this.#db
      .prepare('SELECT count(*) FROM tile WHERE trail = ?')
      .pluck()
      .get(this.#id) as number;
    if (stored > expected) {
      yield {
        check: 'store',
        code: 'modified',
        message: `The log holds ${stored} hash tiles where ${this.#size} entries have ${expected}.`,
      };
    }
  }

  /** No bundle with other than 256 entries, and no tail before the end of the bundles. */
  *#rowFaults(): Generator<StoreFault> {
    const end = this.#fullBundles();
    const early = this.#db
      .prepare('SELECT start FROM tail WHERE trail = ? AND start < ? LIMIT 1')
      .pluck()
      .get(this.#id, end * TILE_WIDTH) as number | undefined;
    if (early !== undefined) {
      yield {
        check: 'store',
        code: 'inserted_or_reordered',
        firstIndex: early,
        message: `Entries from ${early} on are stored a second time, behind the bundles.`,
      };
    }
  }
}
