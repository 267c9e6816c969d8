import { chmodSync, rmSync } from 'node:fs';
import type { GroupStore, SavedWindow, StoredGroup } from '@sealtrail/core/sigma';
import Database from 'better-sqlite3';

/** What SQLite leaves beside a database. */
const suffixes = ['', '-journal', '-wal', '-shm'] as const;

/**
 * Groups of correlations that are too many for memory, of any number of detectors, in a file that lives as long as the
 * process: it is made anew, never synced, and removed at the end. What has to be kept is in the snapshots of detection.
 */
export class SqliteGroupStore implements Disposable {
  readonly #file: string;
  readonly #db: Database.Database;
  readonly #put: Database.Statement<[string, string, string, string, number]>;
  readonly #peek: Database.Statement<[string, string, string]>;
  readonly #take: Database.Statement<[string, string, string]>;
  readonly #dropUntil: Database.Statement<[string, string, number, number]>;

  /** @param file of nobody else: what has this name is removed */
  constructor(file: string) {
    this.#file = file;
    this.#remove();
    this.#db = new Database(file);
    // It holds what events say, and the folder may be one that others look into.
    chmodSync(file, 0o600);
    // Nothing of it is read after a crash, so nothing is done against one; a full disk only fails what is written.
    this.#db.pragma('journal_mode = MEMORY');
    this.#db.pragma('synchronous = OFF');
    this.#db.pragma('locking_mode = EXCLUSIVE');
    this.#db.exec(`
CREATE TABLE away (
  detector TEXT NOT NULL, rule TEXT NOT NULL, key TEXT NOT NULL, held TEXT NOT NULL, until_ms REAL NOT NULL,
  PRIMARY KEY (detector, rule, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX away_until ON away (detector, rule, until_ms);
`);
    this.#put = this.#db.prepare(
      'INSERT INTO away (detector, rule, key, held, until_ms) VALUES (?, ?, ?, ?, ?)',
    );
    this.#peek = this.#db
      .prepare<[string, string, string]>('SELECT held FROM away WHERE detector = ? AND rule = ? AND key = ?')
      .pluck();
    this.#take = this.#db
      .prepare<[string, string, string]>(
        'DELETE FROM away WHERE detector = ? AND rule = ? AND key = ? RETURNING held',
      )
      .pluck();
    this.#dropUntil = this.#db
      .prepare<[string, string, number, number]>(
        `DELETE FROM away WHERE (detector, rule, key) IN
         (SELECT detector, rule, key FROM away WHERE detector = ? AND rule = ? AND until_ms <= ? LIMIT ?) RETURNING key`,
      )
      .pluck();
  }

  /** The store of one detector; what an earlier one of this name had there is gone. */
  of(detector: string): GroupStore {
    this.#db.prepare('DELETE FROM away WHERE detector = ?').run(detector);
    return {
      take: (rule, key) => windowOf(this.#take.get(detector, rule, key)),
      peek: (rule, key) => windowOf(this.#peek.get(detector, rule, key)),
      put: (rule, groups) => this.#putAll(detector, rule, groups),
      dropUntil: (rule, timeMs, limit) =>
        this.#dropUntil.all(detector, rule, timeMs, limit) as readonly string[],
    };
  }

  [Symbol.dispose](): void {
    this.#db.close();
    this.#remove();
  }

  #putAll(detector: string, rule: string, groups: readonly StoredGroup[]): void {
    this.#db.transaction(() => {
      for (const { key, window, untilMs } of groups)
        this.#put.run(detector, rule, key, JSON.stringify(window), untilMs);
    })();
  }

  #remove(): void {
    for (const suffix of suffixes) rmSync(`${this.#file}${suffix}`, { force: true });
  }
}

const windowOf = (held: unknown): SavedWindow | undefined =>
  held === undefined ? undefined : (JSON.parse(held as string) as SavedWindow);
