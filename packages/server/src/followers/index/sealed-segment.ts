import { existsSync } from 'node:fs';
import { SealtrailError } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { Bitmap } from './bitmap.ts';
import { type CatalogedSegment, IndexUnusable } from './catalog.ts';
import { addFromBucket, bucketOf } from './hashes.ts';
import { NumberColumn } from './numbers.ts';
import { StoredPostings } from './postings.ts';
import type {
  MinuteCounts,
  RolledUpField,
  Segment,
  TermVisitor,
  TimeColumn,
  TrailRange,
  ValueShape,
} from './segment.ts';
import { blockKey, keyAfter, TermBlock } from './term-blocks.ts';
import { termPrefix, termValue } from './terms.ts';

/** What is in a file: see the parts of {@link Segment} of the same names. */
export const segmentSchema = `
CREATE TABLE trail (trail TEXT PRIMARY KEY, entries BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE block (code TEXT NOT NULL, first BLOB NOT NULL, data BLOB NOT NULL, PRIMARY KEY (code, first)) STRICT, WITHOUT ROWID;
CREATE TABLE entries (place INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE code (code TEXT PRIMARY KEY, terms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE path (path BLOB PRIMARY KEY, code TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE number (code TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE hash (code TEXT NOT NULL, bucket INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (code, bucket)) STRICT, WITHOUT ROWID;
CREATE TABLE rollup (trail TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, minutes BLOB NOT NULL,
  PRIMARY KEY (trail, field, value)) STRICT, WITHOUT ROWID;
`;

/**
 * A sealed part of the index: one SQLite file that never changes.
 *
 * Reading it throws SealtrailError `index_unavailable` when the file is damaged.
 */
export class SealedSegment implements Segment, Disposable {
  readonly entryCount: number;
  readonly ranges: ReadonlyMap<string, TrailRange>;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly #db: Database.Database;
  readonly #statements: Statements;
  readonly #load = (place: number): Uint8Array =>
    read(() => this.#statements.entries.get(place)) as Uint8Array;

  constructor(file: string, { ranges, minTimeMs, maxTimeMs }: CatalogedSegment) {
    this.ranges = ranges;
    this.minTimeMs = minTimeMs;
    this.maxTimeMs = maxTimeMs;
    this.entryCount = [...ranges.values()].reduce(
      (sum, { firstIndex, endIndex }) => sum + endIndex - firstIndex,
      0,
    );
    this.#db = read(() => openFile(file));
    try {
      this.#statements = read(() => prepare(this.#db));
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  entriesOf(trail: string): Bitmap {
    const range = this.ranges.get(trail);
    if (range === undefined) return new Bitmap();
    if (this.ranges.size === 1) return Bitmap.upTo(this.entryCount);
    const entries = new Bitmap();
    const load = (): Uint8Array => read(() => this.#statements.trail.get(trail)) as Uint8Array;
    new StoredPostings(range.endIndex - range.firstIndex, load).addTo(entries);
    return entries;
  }

  addTerm(into: Bitmap, code: string, value: string): void {
    const wanted = termValue(value);
    const data = read(() => this.#statements.block.get(code, blockKey(wanted)));
    if (data === undefined) return;
    new TermBlock(data as Uint8Array).some((other, postings) => {
      if (other === wanted) postings.addTo(into);
      return other >= wanted;
    }, this.#load);
  }

  forEachTerm(code: string, { prefix = '', part = '' }: ValueShape, visit: TermVisitor): void {
    const start = termPrefix(prefix);
    const key = blockKey(start);
    const visitBlock = (data: unknown): void => {
      const block = new TermBlock(data as Uint8Array);
      if (!block.mayContain(part)) return;
      block.some((value, postings) => {
        if (value.startsWith(start)) visit(value, postings);
        return false;
      }, this.#load);
    };
    // The values of this one may begin before the prefix and go on into it.
    const first = read(() => this.#statements.block.get(code, key));
    if (first !== undefined) visitBlock(first);
    for (const data of read(() => this.#statements.blocks.all(code, key, keyAfter(start)))) visitBlock(data);
  }

  termCount(code: string): number {
    return (read(() => this.#statements.termCount.get(code)) as number | undefined) ?? 0;
  }

  addUnique(into: Bitmap, code: string, value: string): void {
    const data = read(() => this.#statements.hash.get(code, bucketOf(value))) as Uint8Array | undefined;
    if (data) addFromBucket(into, data, value);
  }

  numbers(code: string): NumberColumn | undefined {
    const data = read(() => this.#statements.number.get(code)) as Uint8Array | undefined;
    return data && NumberColumn.fromBytes(data);
  }

  times(column: TimeColumn): NumberColumn {
    return this.numbers(column)!;
  }

  pathCode(path: string): string | undefined {
    return read(() => this.#statements.path.get(Buffer.from(path))) as string | undefined;
  }

  rollUp(trail: string, field: RolledUpField | '', value: string): MinuteCounts {
    const data = read(() => this.#statements.rollUp.get(trail, field, termValue(value)));
    return new Uint32Array(new Uint8Array((data as Uint8Array | undefined) ?? []).buffer);
  }

  rolledUpValues(trail: string, field: RolledUpField): readonly string[] {
    return read(() => this.#statements.rolledUp.all(trail, field)) as string[];
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

type Statements = ReturnType<typeof prepare>;

function prepare(
  db: Database.Database,
): Record<
  'trail' | 'block' | 'blocks' | 'entries' | 'termCount' | 'number' | 'hash' | 'path' | 'rollUp' | 'rolledUp',
  Database.Statement
> {
  // Nobody else writes it: one lock for good instead of one for each statement.
  db.pragma('locking_mode = EXCLUSIVE');
  db.pragma('cache_size = -1024');
  return {
    trail: db.prepare('SELECT entries FROM trail WHERE trail = ?').pluck(),
    block: db
      .prepare('SELECT data FROM block WHERE code = ? AND first <= ? ORDER BY first DESC LIMIT 1')
      .pluck(),
    blocks: db.prepare('SELECT data FROM block WHERE code = ? AND first > ? AND first < ?').pluck(),
    entries: db.prepare('SELECT data FROM entries WHERE place = ?').pluck(),
    termCount: db.prepare('SELECT terms FROM code WHERE code = ?').pluck(),
    number: db.prepare('SELECT data FROM number WHERE code = ?').pluck(),
    hash: db.prepare('SELECT data FROM hash WHERE code = ? AND bucket = ?').pluck(),
    path: db.prepare('SELECT code FROM path WHERE path = ?').pluck(),
    rollUp: db.prepare('SELECT minutes FROM rollup WHERE trail = ? AND field = ? AND value = ?').pluck(),
    rolledUp: db.prepare('SELECT value FROM rollup WHERE trail = ? AND field = ?').pluck(),
  };
}

function openFile(file: string): Database.Database {
  if (!existsSync(file)) throw new IndexUnusable('a segment is missing');
  return new Database(file, { readonly: true, fileMustExist: true });
}

/** What SQLite says of a damaged file, as what becomes of it. */
function read<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof Database.SqliteError || cause instanceof IndexUnusable)) throw cause;
    const reason = cause instanceof Database.SqliteError ? cause.code : cause.message;
    throw new SealtrailError(
      'index_unavailable',
      `a file of the search index cannot be read (${reason}); a damaged index is made again from the log by itself`,
      { cause },
    );
  }
}
