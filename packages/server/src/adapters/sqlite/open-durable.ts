import { SealtrailError } from '@sealtrail/core';
import Database from 'better-sqlite3';

/**
 * Opens a database whose commits are durable when they return, and creates the file where there is none: WAL with
 * `synchronous=FULL` syncs the WAL at every commit.
 *
 * @param prepare runs on the open database; when it throws, the database is closed
 * @throws SealtrailError storage_unavailable when the disk takes no more; data_folder_invalid
 */
export function openDurable(file: string, prepare: (db: Database.Database) => void): Database.Database {
  let db: Database.Database | undefined;
  try {
    db = new Database(file);
    const mode = db.pragma('journal_mode = WAL', { simple: true });
    // SQLite answers with the mode it kept where it cannot have WAL, as on some network file systems.
    if (mode !== 'wal')
      throw new SealtrailError('data_folder_invalid', `${file} cannot be written with a write-ahead log`);
    db.pragma('synchronous = FULL');
    // A plain fsync on macOS leaves data in the drive's cache; elsewhere this changes nothing.
    db.pragma('fullfsync = ON');
    db.pragma('checkpoint_fullfsync = ON');
    prepare(db);
    return db;
  } catch (cause) {
    db?.close();
    throw openFailure(file, cause);
  }
}

/** Why a database of the data folder could not be opened, as an error that says what to do. */
export function openFailure(file: string, cause: unknown): unknown {
  if (!(cause instanceof Database.SqliteError)) return cause;
  return /^SQLITE_(?:FULL|IOERR)/.test(cause.code)
    ? new SealtrailError(
        'storage_unavailable',
        `${file} cannot be opened (${cause.code}): is the disk full, or failing?`,
        { cause },
      )
    : new SealtrailError(
        'data_folder_invalid',
        `${file} cannot be opened (${cause.code}); check its owner and mode, and that it is whole`,
        { cause },
      );
}
