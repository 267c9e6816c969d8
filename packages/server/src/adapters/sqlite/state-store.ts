import { type Token, tokenSchema } from '@sealtrail/core';
import type Database from 'better-sqlite3';
import type { ProducerState, ProducerStore, StoredToken, TokenStore } from '../../ports.ts';
import { openDurable } from './open-durable.ts';

const schema = `
CREATE TABLE IF NOT EXISTS token (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, trails TEXT NOT NULL, tenants TEXT NOT NULL,
  created_at TEXT NOT NULL, expires_at TEXT, revoked_at TEXT, hash BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS producer_cursor (trail TEXT PRIMARY KEY, entries INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS producer (
  trail TEXT NOT NULL, producer TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, missing TEXT NOT NULL, reports TEXT NOT NULL,
  PRIMARY KEY (trail, producer)
) STRICT, WITHOUT ROWID;
`;

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

/** What is neither log nor index, in SQLite: `state.db`. */
export class SqliteStateStore implements TokenStore, ProducerStore, Disposable {
  readonly #db: Database.Database;

  /** @throws SealtrailError storage_unavailable | data_folder_invalid */
  constructor(file: string) {
    this.#db = openDurable(file, (db) => {
      db.exec(schema);
    });
  }

  all(): readonly StoredToken[] {
    return this.#db
      .prepare<[], TokenRow>('SELECT * FROM token ORDER BY created_at, id')
      .all()
      .map((row) => ({ token: tokenOf(row), hash: row.hash }));
  }

  add({ token, hash }: StoredToken): void {
    this.#db
      .prepare(
        'INSERT INTO token (id, name, role, trails, tenants, created_at, expires_at, revoked_at, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        token.id,
        token.name,
        token.role,
        JSON.stringify(token.trails),
        JSON.stringify(token.tenants),
        token.createdAt,
        token.expiresAt,
        token.revokedAt,
        hash,
      );
  }

  revoke(id: string, revokedAt: string): void {
    this.#db
      .prepare('UPDATE token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL')
      .run(revokedAt, id);
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

  commit(trail: string, cursor: number, states: ReadonlyMap<string, ProducerState>): void {
    const put = this.#db.prepare(
      'INSERT INTO producer (trail, producer, first_seq, last_seq, missing, reports) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET first_seq = excluded.first_seq, last_seq = excluded.last_seq, missing = excluded.missing, reports = excluded.reports',
    );
    this.#db.transaction(() => {
      for (const [producer, { firstSeq, lastSeq, missing, reports }] of states)
        put.run(trail, producer, firstSeq, lastSeq, JSON.stringify(missing), JSON.stringify(reports));
      this.#db
        .prepare(
          'INSERT INTO producer_cursor (trail, entries) VALUES (?, ?) ON CONFLICT DO UPDATE SET entries = excluded.entries',
        )
        .run(trail, cursor);
    })();
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
