import { chmodSync, rmSync } from 'node:fs';
import { SealtrailError } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { assertNothingLeftOf, assertOpensUnchanged } from '../database-files.ts';
import { diskFailure, systemCodeOf } from '../disk-failure.ts';
import { renameDurably } from '../durable-file.ts';
import { sizeOfRegularFile } from '../regular-file.ts';

/**
 * Opens a database whose commits are durable when they return, and creates the file where there is none: WAL with
 * `synchronous=FULL` syncs the WAL at every commit.
 *
 * @param prepare runs on the open database; when it throws, the database is closed
 * @throws SealtrailError storage_unavailable when the disk takes no more; data_folder_invalid, also where SQLite would
 *   find something beside the file to change it by
 */
export function openDurable(file: string, prepare: (db: Database.Database) => void): Database.Database {
  let db: Database.Database | undefined;
  try {
    assertOpensUnchanged(file);
    if (sizeOfRegularFile(file) === 0) create(file);
    db = openWithWal(file);
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

/**
 * Makes a database under another name. That it has a write-ahead log is itself written with a rollback journal, which a
 * crash would leave, and a journal beside one of our files must be somebody else's.
 */
function create(file: string): void {
  assertNothingLeftOf(file);
  const fresh = `${file}.new`;
  removeDatabase(fresh);
  try {
    openWithWal(fresh).close();
    // Also in a folder that others may look into: what lies beside it has the same mode.
    chmodSync(fresh, 0o600);
    renameDurably(fresh, file);
  } catch (error) {
    // A full disk stays full as long as half a file lies on it.
    removeDatabase(fresh);
    throw error;
  }
}

function removeDatabase(file: string): void {
  for (const side of ['', '-wal', '-shm', '-journal']) rmSync(`${file}${side}`, { force: true });
}

function openWithWal(file: string): Database.Database {
  const db = new Database(file);
  try {
    const mode = db.pragma('journal_mode = WAL', { simple: true });
    // SQLite answers with the mode it kept where it cannot have WAL, as on some network file systems.
    if (mode === 'wal') return db;
    throw new SealtrailError('data_folder_invalid', `${file} cannot be written with a write-ahead log`);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Why a database of the data folder could not be opened, as an error that says what to do. */
export function openFailure(file: string, cause: unknown): unknown {
  const code = systemCodeOf(cause);
  if (code === undefined) return cause;
  return (
    diskFailure(file, cause) ??
    new SealtrailError(
      'data_folder_invalid',
      `${file} cannot be opened (${code}); check its owner and mode, and that it is whole`,
      { cause },
    )
  );
}
