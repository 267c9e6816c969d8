import path from 'node:path';
import { SealtrailError } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { assertOpensUnchanged } from '../database-files.ts';
import { diskFailure } from '../disk-failure.ts';
import { isThere } from '../regular-file.ts';
import { assertNotForeign, makeFolder } from './make-folder.ts';

/** Where everything lies in a data folder. */
export interface DataFolder {
  readonly dir: string;
  /** The truth: entries, tiles, checkpoints. */
  readonly log: string;
  /** The last published checkpoints, apart from the log. */
  readonly published: string;
  /** Tokens and the cursors of side effects. */
  readonly state: string;
  /** Findings and where detection is; and rules, alerts, silences and channels. */
  readonly detection: string;
  /** Groups of correlations that are too many for memory; of no use once the process has ended. */
  readonly away: string;
  /** Rebuildable search index. */
  readonly index: string;
  readonly keys: string;
  /** Verifier keys of this folder's trails (C2SP tlog-policy), to be copied away and pinned. */
  readonly policy: string;
  readonly lock: string;
}

/** The paths of a data folder; touches nothing. */
export function dataFolder(dir: string): DataFolder {
  const at = (name: string): string => path.join(path.resolve(dir), name);
  return {
    dir: path.resolve(dir),
    log: at('log.db'),
    published: at('published.db'),
    state: at('state.db'),
    detection: at('detection.db'),
    away: at('detection-away.db'),
    index: at('index'),
    keys: at('keys'),
    policy: at('trust-policy.txt'),
    lock: at('lock.db'),
  };
}

/**
 * Makes a data folder where there is none: readable by its owner alone. Nothing is written into it yet, since it may be
 * another process's, and never into a folder with the files of others.
 *
 * @throws SealtrailError data_folder_invalid | storage_unavailable
 */
export function createDataFolder(folder: DataFolder): void {
  try {
    assertNotForeign(folder.dir);
    makeFolder(folder.dir);
    makeFolder(folder.keys);
  } catch (cause) {
    if (cause instanceof SealtrailError) throw cause;
    const failure = diskFailure(folder.dir, cause);
    if (failure) throw failure;
    throw new SealtrailError(
      'data_folder_invalid',
      `the data folder ${folder.dir} cannot be made or written (${(cause as NodeJS.ErrnoException).code}); check its name, owner and mode`,
      { cause },
    );
  }
}

/** How long to wait for somebody who only asks whether the folder is owned. */
const askingMs = 500;

/**
 * Owns a data folder until disposed, or until the process ends in whatever way: an SQLite file in exclusive mode is a
 * lock that the operating system gives back.
 *
 * @throws SealtrailError data_folder_locked when another process has it; data_folder_invalid | storage_unavailable
 */
export function lockDataFolder(folder: DataFolder): Disposable {
  let db: Database.Database | undefined;
  try {
    assertOpensUnchanged(folder.lock);
    db = new Database(folder.lock, { timeout: askingMs });
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    db?.close();
    if (cause instanceof SealtrailError) throw cause;
    if (cause instanceof Database.SqliteError && cause.code.startsWith('SQLITE_BUSY')) {
      throw new SealtrailError(
        'data_folder_locked',
        `another process is using ${folder.dir}; stop it first, or give another --data`,
        { cause },
      );
    }
    const failure = diskFailure(folder.dir, cause);
    if (failure) throw failure;
    throw new SealtrailError(
      'data_folder_invalid',
      `the data folder ${folder.dir} cannot be locked; check its owner and mode`,
      { cause },
    );
  }
  const held = db;
  return { [Symbol.dispose]: () => held.close() };
}

/**
 * Whether a process owns a data folder. Takes nothing and writes nothing, so that a process which starts meanwhile gets
 * the folder: it waits as long as this asks.
 *
 * @throws SealtrailError data_folder_invalid, or whatever SQLite says of a lock that is none
 */
export function isDataFolderOwned(folder: DataFolder): boolean {
  if (!isThere(folder.lock)) return false;
  assertOpensUnchanged(folder.lock);
  const db = new Database(folder.lock, { readonly: true, fileMustExist: true, timeout: 0 });
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return true;
    throw error;
  } finally {
    db.close();
  }
}
