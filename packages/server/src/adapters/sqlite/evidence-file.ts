import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { Resources } from '../../resources.ts';
import { assertRegularDatabase, hotJournalOf } from '../database-files.ts';

/**
 * A SQLite file opened as evidence: for reading, whatever is in it. A file with a write-ahead log needs a place that can
 * be written to even then, which evidence on read-only media or mounts does not have: there a private copy is read.
 * So it is where a journal lies beside that SQLite would want written into the file first: what is read is what is there.
 */
export class EvidenceFile implements Disposable {
  readonly db: Database.Database;
  readonly #resources: Resources;

  /** @throws SealtrailError data_folder_invalid for what is no regular file; whatever SQLite says of what it cannot read */
  constructor(file: string) {
    using resources = new Resources();
    assertRegularDatabase(file);
    const inPlace = hotJournalOf(file) === undefined ? openInPlace(file, resources) : undefined;
    this.db = inPlace ?? openCopy(file, resources);
    this.#resources = resources.move();
  }

  [Symbol.dispose](): void {
    this.#resources[Symbol.dispose]();
  }
}

function openInPlace(file: string, resources: Resources): Database.Database | undefined {
  const db = new Database(file, { readonly: true, fileMustExist: true });
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && /^SQLITE_(?:READONLY|CANTOPEN)/.test(error.code))
      return undefined;
    throw error;
  }
  resources.defer(() => db.close());
  return db;
}

function openCopy(file: string, resources: Resources): Database.Database {
  const dir = mkdtempSync(path.join(tmpdir(), 'sealtrail-verify-'));
  resources.defer(() => rmSync(dir, { recursive: true, force: true }));
  const copy = path.join(dir, path.basename(file));
  copyFileSync(file, copy);
  if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
  const db = new Database(copy, { readonly: true, fileMustExist: true });
  resources.defer(() => db.close());
  return db;
}
