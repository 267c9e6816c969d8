import type Database from 'better-sqlite3';
import type { Act, ActStore } from '../../detection-ports.ts';
import { StatementCache } from './statement-cache.ts';

/** Acts on their way into the trail `system`, in a detection database. */
export class SqliteActStore implements ActStore {
  readonly #statements: StatementCache;

  constructor(db: Database.Database) {
    this.#statements = new StatementCache(db);
  }

  add(act: Act): void {
    this.#statements.prepare('INSERT INTO act (body) VALUES (?)').run(JSON.stringify(act));
  }

  waiting(limit: number): readonly { readonly seq: number; readonly act: Act }[] {
    return this.#statements
      .prepare<[number], { seq: number; body: string }>('SELECT seq, body FROM act ORDER BY seq LIMIT ?')
      .all(limit)
      .map(({ seq, body }) => ({ seq, act: JSON.parse(body) as Act }));
  }

  count(): number {
    return this.#statements.prepare('SELECT count(*) FROM act').pluck().get() as number;
  }

  remove(seq: number): void {
    this.#statements.prepare('DELETE FROM act WHERE seq <= ?').run(seq);
  }
}
