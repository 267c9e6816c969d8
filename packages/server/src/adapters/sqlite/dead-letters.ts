import { createHash } from 'node:crypto';
import type { ErrorCode } from '@sealtrail/core';
import type Database from 'better-sqlite3';
import type { DeadLetter, DeadLetterStore } from '../../ports.ts';
import { writeFailure } from '../disk-failure.ts';

/** The tables of `state.db` that dead letters are in. */
export const deadLetterTables: string = `
CREATE TABLE dead_letter (
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, trail TEXT NOT NULL, tenant TEXT NOT NULL, digest BLOB NOT NULL,
  received_ms INTEGER NOT NULL, position INTEGER NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL, text TEXT NOT NULL,
  UNIQUE (source, trail, tenant, digest)
) STRICT;
CREATE INDEX dead_letter_source ON dead_letter (source, id);
CREATE TABLE dead_letter_dropped (source TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Of a source: together with the bound of their length some tens of megabytes. */
const defaultMaxLetters = 5000;
const maxCharacters = 16 * 1024;

interface Row {
  readonly id: number;
  readonly source: string;
  readonly trail: string;
  readonly tenant: string;
  readonly received_ms: number;
  readonly position: number;
  readonly code: string;
  readonly reason: string;
  readonly text: string;
}

/** Dead letters in SQLite, bounded by number and length. */
export class SqliteDeadLetters implements DeadLetterStore {
  readonly #db: Database.Database;
  readonly #maxLetters: number;

  constructor(db: Database.Database, maxLetters: number = defaultMaxLetters) {
    this.#db = db;
    this.#maxLetters = maxLetters;
  }

  addDeadLetters(letters: readonly Omit<DeadLetter, 'id'>[]): void {
    const add = this.#db.prepare(
      `INSERT INTO dead_letter (source, trail, tenant, digest, received_ms, position, code, reason, text)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (source, trail, tenant, digest) DO UPDATE SET
         received_ms = excluded.received_ms, position = excluded.position, code = excluded.code, reason = excluded.reason`,
    );
    this.#write(() => {
      for (const { source, trail, tenant = '', receivedMs, position, code, reason, text } of letters) {
        const digest = createHash('sha256').update(text).digest();
        add.run(
          source,
          trail,
          tenant,
          digest,
          receivedMs,
          position,
          code,
          reason,
          text.slice(0, maxCharacters),
        );
      }
      for (const source of new Set(letters.map((letter) => letter.source))) this.#dropSurplus(source);
    });
  }

  deadLetters(
    source: string,
    afterId: number,
    limit: number,
  ): { readonly letters: readonly DeadLetter[]; readonly dropped: number } {
    const rows = this.#db
      .prepare<[string, number, number], Row>(
        'SELECT * FROM dead_letter WHERE source = ? AND id > ? ORDER BY id LIMIT ?',
      )
      .all(source, afterId, limit);
    const dropped = this.#db
      .prepare('SELECT count FROM dead_letter_dropped WHERE source = ?')
      .pluck()
      .get(source) as number | undefined;
    return { letters: rows.map(letterOf), dropped: dropped ?? 0 };
  }

  removeDeadLetters(source: string, throughId: number): number {
    return this.#write(() => {
      this.#db.prepare('DELETE FROM dead_letter_dropped WHERE source = ?').run(source);
      return this.#db.prepare('DELETE FROM dead_letter WHERE source = ? AND id <= ?').run(source, throughId)
        .changes;
    });
  }

  /** Lets the oldest go where there are too many, and counts them. */
  #dropSurplus(source: string): void {
    const count = this.#db
      .prepare('SELECT count(*) FROM dead_letter WHERE source = ?')
      .pluck()
      .get(source) as number;
    const surplus = count - this.#maxLetters;
    if (surplus <= 0) return;
    this.#db
      .prepare(
        'DELETE FROM dead_letter WHERE id IN (SELECT id FROM dead_letter WHERE source = ? ORDER BY id LIMIT ?)',
      )
      .run(source, surplus);
    this.#db
      .prepare(
        'INSERT INTO dead_letter_dropped (source, count) VALUES (?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count',
      )
      .run(source, surplus);
  }

  #write<T>(work: () => T): T {
    try {
      return this.#db.transaction(work)();
    } catch (error) {
      throw writeFailure('what could not be imported', error);
    }
  }
}

const letterOf = (row: Row): DeadLetter => ({
  id: row.id,
  source: row.source,
  trail: row.trail,
  tenant: row.tenant === '' ? undefined : row.tenant,
  receivedMs: row.received_ms,
  position: row.position,
  code: row.code as ErrorCode,
  reason: row.reason,
  text: row.text,
});
