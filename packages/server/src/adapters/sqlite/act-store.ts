import type Database from 'better-sqlite3';
import type { Act, ActStore } from '../../detection-ports.ts';

/** Acts on their way into the trail `system`, in a detection database. */
export class SqliteActStore implements ActStore {
  readonly #db: Database.Database;

  constructor(db: Database.Database) {
    this.#db = db;
  }

  add(act: Act): void {
    this.#db.prepare('INSERT INTO act (body) VALUES (?)').run(JSON.stringify(act));
  }

  waiting(limit: number): readonly { readonly seq: number; readonly act: Act }[] {
    return this.#db
      .prepare<[number], { seq: number; body: string }>('SELECT seq, body FROM act ORDER BY seq LIMIT ?')
      .all(limit)
      .map(({ seq, body }) => ({ seq, act: JSON.parse(body) as Act }));
  }

  remove(seq: number): void {
    this.#db.prepare('DELETE FROM act WHERE seq <= ?').run(seq);
  }
}
