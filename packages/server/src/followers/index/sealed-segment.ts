import { SealtrailError } from '@sealtrail/core';
import Database from 'better-sqlite3';
import type { Bitmap } from './bitmap.ts';
import type { CatalogedSegment } from './catalog.ts';
import { addPostings, countPostings } from './postings.ts';
import type { RollUpRow, Run, Segment, TermPostings, TimeColumn, TrailRange } from './segment.ts';
import { afterPrefix } from './terms.ts';

/** Terms with their entries (see postings.ts), runs, times by entry number, and roll-ups (see segment.ts). */
export const segmentSchema = `
CREATE TABLE term (term TEXT PRIMARY KEY, count INTEGER NOT NULL, entries BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE run (first INTEGER PRIMARY KEY, trail TEXT NOT NULL, idx INTEGER NOT NULL, count INTEGER NOT NULL) STRICT;
CREATE TABLE times (name TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE rollup (trail TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, minute INTEGER NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (trail, field, value, minute)) STRICT, WITHOUT ROWID;
`;

/**
 * A sealed part of the index: one SQLite file that never changes.
 *
 * Reading it throws SealtrailError `data_folder_invalid` when the file is damaged.
 */
export class SealedSegment implements Segment, Disposable {
  readonly entryCount: number;
  readonly runs: readonly Run[];
  readonly ranges: readonly TrailRange[];
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly #db: Database.Database;
  readonly #term: Database.Statement;
  readonly #terms: Database.Statement;
  readonly #rollUps: Database.Statement<[string, string, string], { minute: number; count: number }>;

  constructor(file: string, { ranges, minTimeMs, maxTimeMs }: CatalogedSegment) {
    this.ranges = ranges;
    this.minTimeMs = minTimeMs;
    this.maxTimeMs = maxTimeMs;
    const db = read(() => new Database(file, { readonly: true, fileMustExist: true }));
    try {
      this.#db = db;
      this.runs = read(() => {
        db.pragma('cache_size = -2048');
        return db
          .prepare<[], Run>('SELECT first, trail, idx AS "index", count FROM run ORDER BY first')
          .all();
      });
      this.entryCount = this.runs.reduce((sum, run) => sum + run.count, 0);
      this.#term = db.prepare('SELECT count, entries FROM term WHERE term = ?').raw();
      this.#terms = db.prepare('SELECT term, count, entries FROM term WHERE term >= ? AND term < ?').raw();
      this.#rollUps = db.prepare(
        'SELECT minute, count FROM rollup WHERE trail = ? AND field = ? AND value = ?',
      );
    } catch (error) {
      db.close();
      throw error;
    }
  }

  addTerm(into: Bitmap, term: string): void {
    const row = read(() => this.#term.get(term)) as [number, Uint8Array] | undefined;
    if (row) addPostings(into, row[0], row[1]);
  }

  forEachTerm(prefix: string, visit: (term: string, postings: TermPostings) => void): void {
    read(() => {
      for (const row of this.#terms.iterate(prefix, afterPrefix(prefix))) {
        const [term, count, entries] = row as [string, number, Uint8Array];
        visit(term, {
          addTo: (into) => addPostings(into, count, entries),
          countIn: (within) => countPostings(within, count, entries),
        });
      }
    });
  }

  times(column: TimeColumn): Float64Array {
    const data = read(() => this.#db.prepare('SELECT data FROM times WHERE name = ?').pluck().get(column));
    return new Float64Array(Uint8Array.from(data as Uint8Array).buffer);
  }

  rollUps(trail: string, field: string, value: string): RollUpRow[] {
    return read(() => this.#rollUps.all(trail, field, value));
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

/** What SQLite says of a damaged file, as what to do about it. */
function read<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof Database.SqliteError)) throw cause;
    throw new SealtrailError(
      'data_folder_invalid',
      `a file of the search index cannot be read (${cause.code}); stop the server and run sealtrail rebuild`,
      { cause },
    );
  }
}
