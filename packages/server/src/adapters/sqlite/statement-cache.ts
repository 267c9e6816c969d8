import type Database from 'better-sqlite3';

/**
 * Statements of a database, each compiled once. For texts of which there are few; one that is asked for again is as it
 * was left, so `pluck` and `raw` belong to the text.
 */
export class StatementCache {
  readonly #db: Database.Database;
  readonly #statements: Map<string, unknown> = new Map();

  constructor(db: Database.Database) {
    this.#db = db;
  }

  prepare<Bind extends unknown[] | object = unknown[], Row = unknown>(
    sql: string,
  ): Database.Statement<Bind extends unknown[] ? Bind : [Bind], Row> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement as Database.Statement<Bind extends unknown[] ? Bind : [Bind], Row>;
  }
}
