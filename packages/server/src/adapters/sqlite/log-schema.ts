import { SealtrailError } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { assertOpensUnchanged } from '../database-files.ts';
import { openDurable, openFailure } from './open-durable.ts';

/** `SLTR`: marks a SQLite file as a Sealtrail log. */
export const LOG_APPLICATION_ID = 0x534c5452;
export const LOG_FORMAT_VERSION = 1;
export const expectedLogFormat: string = `${LOG_APPLICATION_ID}/${LOG_FORMAT_VERSION}`;

/**
 * The log on disk. `verify` reads every column of every table here, so nothing may stand in them that cannot be checked
 * against entries, hashes, signatures or the trust policy.
 *
 * - bundle: 256 entries in tlog-tiles form, zstd-compressed
 * - tail: the entries after the last full bundle, one row a commit, uncompressed, with their leaf hashes: so that a
 *   changed entry is found by its index in a small log too
 * - tile: hash tiles; level 0 when full, higher levels from their first hash on
 * - entry_id: event id -> index, for idempotency; derivable
 * - checkpoint: the checkpoints published, fewer the older they are (docs/decisions/0005)
 */
const schema = `
CREATE TABLE trail (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, origin TEXT NOT NULL, vkey TEXT NOT NULL) STRICT;
CREATE TABLE bundle (trail INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (trail, n)) STRICT;
CREATE TABLE tail (trail INTEGER NOT NULL, start INTEGER NOT NULL, data BLOB NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (trail, start)) STRICT;
CREATE TABLE tile (trail INTEGER NOT NULL, level INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (trail, level, n)) STRICT;
CREATE TABLE entry_id (trail INTEGER NOT NULL, id BLOB NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (trail, id)) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint (trail INTEGER NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY (trail, size)) STRICT, WITHOUT ROWID;
`;

/** The schema as SQLite keeps it, sorted: what `verify` compares with, so that no trigger or view can slip in. */
export function expectedLogSchema(): string[] {
  using scratch = new Scratch();
  return readLogSchema(scratch.db);
}

/** Every object in a log file's schema, in a fixed order. */
export function readLogSchema(db: Database.Database): string[] {
  const rows = db.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').raw().all() as (
    | string
    | null
  )[][];
  return rows.map((row) => row.map((column) => column ?? '').join('\u0000'));
}

class Scratch implements Disposable {
  readonly db: Database.Database = new Database(':memory:');
  constructor() {
    this.db.exec(schema);
  }
  [Symbol.dispose](): void {
    this.db.close();
  }
}

/**
 * Opens the log for its one writer and creates it when the file is new.
 *
 * @throws SealtrailError storage_unavailable | data_folder_invalid
 */
export function openLogForWriting(file: string): Database.Database {
  return openDurable(file, (db) => {
    // The default of 1,000 pages would copy and sync the database file every few batches under load.
    db.pragma('wal_autocheckpoint = 8192');
    db.pragma('journal_size_limit = 67108864');
    db.pragma('cache_size = -32768');
    if (readLogFormat(db) === '0/0') {
      db.transaction(() => {
        db.exec(schema);
        db.pragma(`application_id = ${LOG_APPLICATION_ID}`);
        db.pragma(`user_version = ${LOG_FORMAT_VERSION}`);
      })();
    }
    assertLogFormat(db);
  });
}

/**
 * Opens the log for reading, beside a running writer or alone.
 *
 * @throws SealtrailError storage_unavailable | data_folder_invalid
 */
export function openLogForReading(file: string): Database.Database {
  let db: Database.Database | undefined;
  try {
    assertOpensUnchanged(file);
    db = new Database(file, { readonly: true, fileMustExist: true });
    db.pragma('cache_size = -16384');
    assertLogFormat(db);
    return db;
  } catch (cause) {
    db?.close();
    throw openFailure(file, cause);
  }
}

/** What marks the format of a file: its application id and version. */
export function readLogFormat(db: Database.Database): string {
  return `${String(db.pragma('application_id', { simple: true }))}/${String(db.pragma('user_version', { simple: true }))}`;
}

function assertLogFormat(db: Database.Database): void {
  const format = readLogFormat(db);
  if (format === expectedLogFormat) return;
  throw new SealtrailError(
    'data_folder_invalid',
    `expected a Sealtrail log of format ${expectedLogFormat}, found ${format}`,
  );
}
