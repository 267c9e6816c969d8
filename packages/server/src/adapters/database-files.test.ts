import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../sequencer/testing/temporary-folder.ts';
import { codeOf } from '../testing/code-of.ts';
import { assertNothingLeftOf, assertOpensUnchanged, hotJournalOf } from './database-files.ts';
import { journalTo } from './testing/rollback-journal.ts';

/** A database with a write-ahead log and a number in it, closed. */
function makeDatabase(file: string, number: number): Buffer {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.exec(`CREATE TABLE t (x); INSERT INTO t VALUES (${number})`);
  db.close();
  return readFileSync(file);
}

/** What stands in a database once SQLite has opened it for writing. */
function numberIn(file: string): unknown {
  const db = new Database(file);
  try {
    return db.prepare('SELECT x FROM t').pluck().get();
  } finally {
    db.close();
  }
}

describe('a journal beside a database', () => {
  const withFirst = (journal: Buffer, byte: number): Buffer => Buffer.from(journal).fill(byte, 0, 1);
  const cases: readonly [string, (journal: Buffer) => Buffer, isHot: boolean, numberAfter: number][] = [
    ['that is whole', (journal) => journal, true, 2],
    ['that is empty', () => Buffer.alloc(0), false, 1],
    ['that was finished by zeroing its header', (journal) => Buffer.from(journal).fill(0, 0, 28), false, 1],
    ['whose first byte is 0', (journal) => withFirst(journal, 0), false, 1],
    // SQLite takes it up, finds nothing that it can play back, and deletes it.
    ['that is garbage', (journal) => Buffer.from(journal).fill(7), true, 1],
    ['whose magic is wrong', (journal) => withFirst(journal, 1), true, 1],
    ['of a single byte', () => Buffer.of(1), true, 1],
  ];
  it.each(cases)('%s: is told as SQLite does', (_, make, isHot, numberAfter) => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'a.db');
    const journal = `${file}-journal`;
    const before = makeDatabase(file, 1);
    writeFileSync(journal, make(journalTo(before, makeDatabase(path.join(folder.dir, 'b.db'), 2))));
    expect(hotJournalOf(file)).toBe(isHot ? journal : undefined);
    expect(codeOf(() => assertOpensUnchanged(file))).toBe(isHot ? 'data_folder_invalid' : undefined);
    expect(numberIn(file)).toBe(numberAfter);
    // SQLite removes what it takes for the journal of a crash.
    expect(existsSync(journal)).toBe(!isHot);
  });

  it.each([
    ['there', 2],
    ['missing', 1],
  ])('that names a super-journal, which is %s: is none of ours either way', (state, numberAfter) => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'a.db');
    const before = makeDatabase(file, 1);
    const after = makeDatabase(path.join(folder.dir, 'b.db'), 2);
    // SQLite believes in names of this form alone.
    const superJournal = path.join(folder.dir, 'a.db-mj0123459ab');
    writeFileSync(`${file}-journal`, journalTo(before, after, superJournal));
    if (state === 'there') writeFileSync(superJournal, `${file}-journal\0`);
    expect(codeOf(() => assertOpensUnchanged(file))).toBe('data_folder_invalid');
    expect(numberIn(file)).toBe(numberAfter);
    expect([file, superJournal].filter(existsSync)).toEqual([file]);
  });

  it('is nothing without one, or beside an empty one', () => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'a.db');
    writeFileSync(`${file}-journal`, 'journal');
    expect(hotJournalOf(file)).toBeUndefined();
    writeFileSync(file, '');
    expect(hotJournalOf(file)).toBeUndefined();
  });
});

describe('what is no regular file', () => {
  const make: Readonly<Record<string, (at: string) => void>> = {
    'a folder': (at) => mkdirSync(at),
    'a link': (at) => symlinkSync('/dev/null', at),
    'a link that leads nowhere': (at) => symlinkSync('nowhere', at),
    ...(process.platform !== 'win32' && { 'a pipe': (at) => execFileSync('mkfifo', [at]) }),
  };
  it.each(Object.keys(make))('is not opened: %s', (kind) => {
    for (const side of ['', '-wal', '-shm', '-journal']) {
      using folder = temporaryFolder();
      const file = path.join(folder.dir, 'a.db');
      if (side !== '') makeDatabase(file, 1);
      make[kind]!(`${file}${side}`);
      expect([side, codeOf(() => assertOpensUnchanged(file))]).toEqual([side, 'data_folder_invalid']);
    }
  });
});

describe('what is left of a database that is gone', () => {
  it('is not taken for part of a new one', () => {
    for (const side of ['-wal', '-journal']) {
      using folder = temporaryFolder();
      const file = path.join(folder.dir, 'a.db');
      writeFileSync(`${file}${side}`, '');
      expect(codeOf(() => assertNothingLeftOf(file))).toBeUndefined();
      writeFileSync(`${file}${side}`, 'something');
      expect(codeOf(() => assertNothingLeftOf(file))).toBe('data_folder_invalid');
    }
  });
});
