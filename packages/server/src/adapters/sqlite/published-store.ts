import type Database from 'better-sqlite3';
import type { PublishedStore, WriteFault } from '../../ports.ts';
import { openDurable } from './open-durable.ts';

interface PublishedRow {
  readonly trail: string;
  readonly size: number;
  readonly note: string;
}

/** The last published checkpoints in a SQLite file of their own: one durable transaction for all trails of a tick. */
export class SqlitePublishedStore implements PublishedStore {
  readonly #db: Database.Database;
  readonly #fault: WriteFault;
  readonly #all: Database.Statement<[], PublishedRow>;
  readonly #put: Database.Statement;

  /** @throws SealtrailError storage_unavailable | data_folder_invalid */
  constructor(file: string, fault: WriteFault = () => {}) {
    this.#db = openDurable(file, (db) => {
      db.exec(
        'CREATE TABLE IF NOT EXISTS published (trail TEXT PRIMARY KEY, size INTEGER NOT NULL, note TEXT NOT NULL) STRICT, WITHOUT ROWID',
      );
    });
    this.#fault = fault;
    this.#all = this.#db.prepare('SELECT trail, size, note FROM published');
    this.#put = this.#db.prepare(
      'INSERT INTO published (trail, size, note) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET size = excluded.size, note = excluded.note',
    );
  }

  all(): readonly PublishedRow[] {
    return this.#all.all();
  }

  put(
    checkpoints: readonly { readonly trail: string; readonly size: number; readonly note: string }[],
  ): void {
    this.#fault('published', 'before');
    this.#db.transaction(() => {
      for (const { trail, size, note } of checkpoints) this.#put.run(trail, size, note);
    })();
    this.#fault('published', 'after');
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
