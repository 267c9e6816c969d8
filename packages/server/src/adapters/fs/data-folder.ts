import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { SealtrailError } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { assertOpensUnchanged } from '../database-files.ts';
import { syncFolder } from '../durable-file.ts';

/** Where everything lies in a data folder. */
export interface DataFolder {
  readonly dir: string;
  /** The truth: entries, tiles, checkpoints. */
  readonly log: string;
  /** The last published checkpoints, apart from the log. */
  readonly published: string;
  /** Tokens and the cursors of side effects. */
  readonly state: string;
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
    index: at('index'),
    keys: at('keys'),
    policy: at('trust-policy.txt'),
    lock: at('lock.db'),
  };
}

/**
 * Makes a data folder where there is none: readable by its owner alone. Nothing is written into it yet, since it may be
 * another process's.
 *
 * @throws SealtrailError data_folder_invalid
 */
export function createDataFolder(folder: DataFolder): void {
  try {
    makeFolder(folder.dir);
    makeFolder(folder.keys);
  } catch (cause) {
    throw new SealtrailError(
      'data_folder_invalid',
      `the data folder ${folder.dir} cannot be written; check its owner and mode`,
      { cause },
    );
  }
}

function makeFolder(dir: string): void {
  const first = mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  // A new name is durable once the folder that holds it is synced, and several levels may be new.
  for (let made = dir; made.length >= first.length; made = path.dirname(made)) syncFolder(path.dirname(made));
}

/**
 * Owns a data folder until disposed, or until the process ends in whatever way: an SQLite file in exclusive mode is a
 * lock that the operating system gives back.
 *
 * @throws SealtrailError data_folder_locked when another process has it; data_folder_invalid
 */
export function lockDataFolder(folder: DataFolder): Disposable {
  let db: Database.Database | undefined;
  try {
    assertOpensUnchanged(folder.lock);
    db = new Database(folder.lock, { timeout: 0 });
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
    throw new SealtrailError(
      'data_folder_invalid',
      `the data folder ${folder.dir} cannot be locked; check its owner and mode`,
      { cause },
    );
  }
  const held = db;
  return { [Symbol.dispose]: () => held.close() };
}
