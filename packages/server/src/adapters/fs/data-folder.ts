import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { SealtrailError } from '@sealtrail/core';
import Database from 'better-sqlite3';

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

/** Makes a data folder where there is none: readable by its owner alone. */
export function createDataFolder(folder: DataFolder): void {
  try {
    mkdirSync(folder.dir, { recursive: true, mode: 0o700 });
    mkdirSync(folder.keys, { recursive: true, mode: 0o700 });
    if (!existsSync(folder.policy)) writeDurably(folder.policy, policyHead, 0o644);
  } catch (cause) {
    throw new SealtrailError(
      'data_folder_invalid',
      `the data folder ${folder.dir} cannot be written; check its owner and mode`,
      { cause },
    );
  }
}

const policyHead = `# Trust policy of this data folder (C2SP tlog-policy). Copy it to where you verify from, and keep it there:
#   sealtrail verify --data DIR --policy COPY
# Each log line is the verifier key of one trail, in the order in which the trails were made.
quorum none
`;

/** Adds the verifier key of a trail, durably. */
export function appendPolicy(folder: DataFolder, vkey: string): void {
  writeDurably(folder.policy, `log ${vkey}\n`, 0o644, 'a');
}

export function readPolicy(folder: DataFolder): string {
  return readFileSync(folder.policy, 'utf8');
}

/** Writes (or appends) and syncs file and folder. */
export function writeDurably(file: string, text: string, mode: number, flags: 'wx' | 'w' | 'a' = 'w'): void {
  const fd = openSync(file, flags, mode);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncFolder(path.dirname(file));
}

/** Makes created, renamed and removed names durable. Windows has no such call. */
export function syncFolder(dir: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Owns a data folder until disposed, or until the process ends in whatever way: an SQLite file in exclusive mode is a
 * lock that the operating system gives back.
 *
 * @throws SealtrailError data_folder_locked when another process has it
 */
export function lockDataFolder(folder: DataFolder): Disposable {
  let db: Database.Database | undefined;
  try {
    db = new Database(folder.lock, { timeout: 0 });
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    db?.close();
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
