import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { onReadOnlyFolder } from '../../sequencer/testing/without-privileges.ts';
import { journalTo } from '../testing/rollback-journal.ts';
import { EvidenceFile } from './evidence-file.ts';

/** A file with a write-ahead log that has not been written back. */
function makeFile(dir: string): string {
  const original = path.join(dir, 'original.db');
  const file = path.join(dir, 'evidence.db');
  const db = new Database(original);
  db.pragma('journal_mode = WAL');
  db.exec('CREATE TABLE t (x)');
  db.exec('INSERT INTO t VALUES (1), (2)');
  for (const side of ['', '-wal']) cpSync(original + side, file + side);
  db.close();
  return file;
}

const rowsIn = (file: string): unknown => {
  using evidence = new EvidenceFile(file);
  return evidence.db.prepare('SELECT count(*) FROM t').pluck().get();
};

describe('EvidenceFile', () => {
  it('reads what the write-ahead log holds too', () => {
    using folder = temporaryFolder();
    expect(rowsIn(makeFile(folder.dir))).toBe(2);
  });

  it('reads from a place that cannot be written to, and leaves nothing there', () => {
    using folder = temporaryFolder();
    const file = makeFile(folder.dir);
    const before = readdirSync(folder.dir);
    expect(onReadOnlyFolder(folder.dir, () => rowsIn(file))).toBe(2);
    expect(readdirSync(folder.dir)).toEqual(before);
  });

  it('is read as it is, whatever a journal beside it says', () => {
    using folder = temporaryFolder();
    const file = makeFile(folder.dir);
    const bytes = readFileSync(file);
    const journal = journalTo(bytes, Buffer.from(bytes).fill(1, 100));
    writeFileSync(`${file}-journal`, journal);
    expect(rowsIn(file)).toBe(2);
    expect([readFileSync(file), readFileSync(`${file}-journal`)]).toEqual([bytes, journal]);
  });

  it('can be changed by nobody', () => {
    using folder = temporaryFolder();
    using evidence = new EvidenceFile(makeFile(folder.dir));
    expect(() => evidence.db.exec('DELETE FROM t')).toThrow('readonly');
  });

  it('is refused when it is none', () => {
    using folder = temporaryFolder();
    expect(() => new EvidenceFile(path.join(folder.dir, 'nothing.db'))).toThrow('unable to open');
  });
});
