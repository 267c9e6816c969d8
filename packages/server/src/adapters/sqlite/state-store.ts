import { type Token, tokenSchema } from '@sealtrail/core';
import type Database from 'better-sqlite3';
import type { DeadLetterStore, ProducerState, ProducerStore, StoredToken, TokenStore } from '../../ports.ts';
import { writeFailure } from '../disk-failure.ts';
import { deadLetterTables, SqliteDeadLetters } from './dead-letters.ts';
import { migrate } from './migrate.ts';
import { openDurable } from './open-durable.ts';

/** The tables, as they came to be. */
const formats: readonly string[] = [
  `
CREATE TABLE IF NOT EXISTS token (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, trails TEXT NOT NULL, tenants TEXT NOT NULL,
  created_at TEXT NOT NULL, expires_at TEXT, revoked_at TEXT, hash BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS producer_cursor (trail TEXT PRIMARY KEY, entries INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS producer (
  trail TEXT NOT NULL, producer TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, missing TEXT NOT NULL, reports TEXT NOT NULL,
  PRIMARY KEY (trail, producer)
) STRICT, WITHOUT ROWID;
`,
  `
ALTER TABLE producer ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE producer_cursor ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
CREATE INDEX producer_seen ON producer (trail, seen_at);
`,
  deadLetterTables,
];

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly trails: string;
  readonly tenants: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
  readonly hash: Uint8Array;
}

interface ProducerRow {
  readonly producer: string;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly missing: string;
  readonly reports: string;
}

/** What is neither log nor index, in SQLite: `state.db`. Writes throw storage_unavailable when the disk takes no more. */
export class SqliteStateStore implements TokenStore, ProducerStore, Disposable {
  readonly #db: Database.Database;
  readonly deadLetters: DeadLetterStore;
  readonly #maxProducers: number;
  /** Producers by trail, counted when a trail is first written to. */
  readonly #producers: Map<string, number> = new Map();

  /**
   * @param limits `maxProducers`: producers remembered in a trail, default 100,000
   * @throws SealtrailError storage_unavailable | data_folder_invalid
   */
  constructor(file: string, { maxProducers = 100_000 }: { readonly maxProducers?: number } = {}) {
    this.#maxProducers = maxProducers;
    this.#db = openDurable(file, (db) => migrate(db, formats));
    this.deadLetters = new SqliteDeadLetters(this.#db);
  }

  all(): readonly StoredToken[] {
    return this.#db
      .prepare<[], TokenRow>('SELECT * FROM token ORDER BY created_at, id')
      .all()
      .map((row) => ({ token: tokenOf(row), hash: row.hash }));
  }

  add({ token, hash }: StoredToken): void {
    const insert = this.#db.prepare(
      'INSERT INTO token (id, name, role, trails, tenants, created_at, expires_at, revoked_at, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    written('the token', () =>
      insert.run(
        token.id,
        token.name,
        token.role,
        JSON.stringify(token.trails),
        JSON.stringify(token.tenants),
        token.createdAt,
        token.expiresAt,
        token.revokedAt,
        hash,
      ),
    );
  }

  revoke(id: string, revokedAt: string): void {
    const update = this.#db.prepare('UPDATE token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
    written('the end of the token', () => update.run(revokedAt, id));
  }

  cursor(trail: string): number {
    return (
      (this.#db.prepare('SELECT entries FROM producer_cursor WHERE trail = ?').pluck().get(trail) as
        | number
        | undefined) ?? 0
    );
  }

  producer(trail: string, producer: string): ProducerState | undefined {
    const row = this.#db
      .prepare<[string, string], ProducerRow>('SELECT * FROM producer WHERE trail = ? AND producer = ?')
      .get(trail, producer);
    return row && producerOf(row);
  }

  hasForgottenProducers(trail: string): boolean {
    const forgotten = this.#db
      .prepare('SELECT forgotten FROM producer_cursor WHERE trail = ?')
      .pluck()
      .get(trail) as number | undefined;
    return (forgotten ?? 0) > 0;
  }

  commit(trail: string, cursor: number, states: ReadonlyMap<string, ProducerState>): void {
    let known = this.#producers.get(trail) ?? this.#countProducers(trail);
    const commit = this.#db.transaction(() => {
      known += this.#putProducers(trail, cursor, states);
      const surplus = known - this.#maxProducers;
      const forgotten = surplus > 0 ? this.#forgetProducers(trail, surplus) : 0;
      known -= forgotten;
      this.#db
        .prepare(
          'INSERT INTO producer_cursor (trail, entries, forgotten) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET entries = excluded.entries, forgotten = forgotten + excluded.forgotten',
        )
        .run(trail, cursor, forgotten);
    });
    written('what is known of producers', commit);
    this.#producers.set(trail, known);
  }

  /** Gives the number of producers that were not known. */
  #putProducers(trail: string, cursor: number, states: ReadonlyMap<string, ProducerState>): number {
    const update = this.#db.prepare(
      'UPDATE producer SET first_seq = ?, last_seq = ?, missing = ?, reports = ?, seen_at = ? WHERE trail = ? AND producer = ?',
    );
    const insert = this.#db.prepare(
      'INSERT INTO producer (first_seq, last_seq, missing, reports, seen_at, trail, producer) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    let added = 0;
    for (const [producer, { firstSeq, lastSeq, missing, reports }] of states) {
      const row = [
        firstSeq,
        lastSeq,
        JSON.stringify(missing),
        JSON.stringify(reports),
        cursor,
        trail,
        producer,
      ];
      if (update.run(...row).changes > 0) continue;
      insert.run(...row);
      added++;
    }
    return added;
  }

  /** Forgets those that were not seen for the longest. */
  #forgetProducers(trail: string, count: number): number {
    return this.#db
      .prepare(
        'DELETE FROM producer WHERE trail = @trail AND producer IN (SELECT producer FROM producer WHERE trail = @trail ORDER BY seen_at LIMIT @count)',
      )
      .run({ trail, count }).changes;
  }

  #countProducers(trail: string): number {
    return this.#db.prepare('SELECT count(*) FROM producer WHERE trail = ?').pluck().get(trail) as number;
  }

  list(trail: string): readonly (ProducerState & { readonly producer: string })[] {
    return this.#db
      .prepare<[string], ProducerRow>('SELECT * FROM producer WHERE trail = ? ORDER BY producer LIMIT 1000')
      .all(trail)
      .map((row) => ({ producer: row.producer, ...producerOf(row) }));
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

/** A write, whose failure is that of the disk. @throws SealtrailError storage_unavailable */
function written<T>(what: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw writeFailure(what, error);
  }
}

const tokenOf = (row: TokenRow): Token =>
  tokenSchema.parse({
    id: row.id,
    name: row.name,
    role: row.role,
    trails: JSON.parse(row.trails),
    tenants: JSON.parse(row.tenants),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  });

const producerOf = (row: ProducerRow): ProducerState => ({
  firstSeq: row.first_seq,
  lastSeq: row.last_seq,
  missing: JSON.parse(row.missing) as [number, number][],
  reports: JSON.parse(row.reports) as ProducerState['reports'],
});
