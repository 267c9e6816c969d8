import { lstatSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { TrailRange } from './segment.ts';
import { indexFormat } from './terms.ts';

/** A sealed segment as the catalog knows it. */
export interface CatalogedSegment {
  readonly number: number;
  /** Size of its file: another size is a damaged file. */
  readonly bytes: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly ranges: ReadonlyMap<string, TrailRange>;
}

const schema = `
CREATE TABLE format (text TEXT NOT NULL) STRICT;
CREATE TABLE segment (number INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, min_time REAL NOT NULL, max_time REAL NOT NULL) STRICT;
CREATE TABLE segment_trail (segment INTEGER NOT NULL, trail TEXT NOT NULL, first INTEGER NOT NULL, past INTEGER NOT NULL,
  PRIMARY KEY (segment, trail)) STRICT, WITHOUT ROWID;
`;

/** What is there is no index of this format, or not a whole one: it is to be made again. */
export class IndexUnusable extends Error {
  override readonly name = 'IndexUnusable';
}

/**
 * Which segments there are and what they hold. The cursor of a trail, how far it is indexed for good, is the end of its
 * last range: so cursor and result are one row, committed together.
 */
export class Catalog implements Disposable {
  readonly #db: Database.Database;

  /** @throws IndexUnusable when the file is of another format; SqliteError when it is damaged or cannot be read */
  constructor(file: string) {
    assertOwnFiles(file);
    this.#db = new Database(file);
    try {
      this.#db.pragma('journal_mode = WAL');
      this.#db.pragma('synchronous = FULL');
      if (this.#db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0) this.#create();
      const format = this.#db.prepare('SELECT text FROM format').pluck().get();
      if (format !== indexFormat) throw new IndexUnusable('another index format');
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** Oldest first. */
  segments(): CatalogedSegment[] {
    const ranges = this.#db.prepare<[number], TrailRange>(
      'SELECT trail, first AS firstIndex, past AS endIndex FROM segment_trail WHERE segment = ?',
    );
    return this.#db
      .prepare<[], Omit<CatalogedSegment, 'ranges'>>(
        'SELECT number, bytes, min_time AS minTimeMs, max_time AS maxTimeMs FROM segment ORDER BY number',
      )
      .all()
      .map((row) => ({
        ...row,
        ranges: new Map(ranges.all(row.number).map((range) => [range.trail, range])),
      }));
  }

  add(segment: CatalogedSegment): void {
    const range = this.#db.prepare(
      'INSERT INTO segment_trail (segment, trail, first, past) VALUES (?, ?, ?, ?)',
    );
    this.#db.transaction(() => {
      this.#db
        .prepare('INSERT INTO segment (number, bytes, min_time, max_time) VALUES (?, ?, ?, ?)')
        .run(segment.number, segment.bytes, segment.minTimeMs, segment.maxTimeMs);
      for (const { trail, firstIndex, endIndex } of segment.ranges.values())
        range.run(segment.number, trail, firstIndex, endIndex);
    })();
  }

  #create(): void {
    this.#db.transaction(() => {
      this.#db.exec(schema);
      this.#db.prepare('INSERT INTO format (text) VALUES (?)').run(indexFormat);
    })();
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

/** SQLite would wait for a pipe, follow a link, and write what a rollback journal says into the catalog. */
function assertOwnFiles(file: string): void {
  for (const side of ['', '-wal', '-shm', '-journal']) {
    const stats = lstatSync(`${file}${side}`, { throwIfNoEntry: false });
    if (stats !== undefined && (side === '-journal' || !stats.isFile()))
      throw new IndexUnusable(`something lies at catalog.db${side} that is none of ours`);
  }
}
