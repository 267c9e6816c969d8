import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { codeOf } from '../../testing/code-of.ts';
import { journalTo } from '../testing/rollback-journal.ts';
import { openDurable } from './open-durable.ts';

describe('openDurable', () => {
  it('syncs the write-ahead log at every commit', () => {
    // Killing a process cannot show a missing sync, only a power cut can: so the setting itself is looked at.
    using folder = temporaryFolder();
    const db = openDurable(folder.state, () => {});
    const pragma = (name: string): unknown => db.pragma(name, { simple: true });
    const full = 2;
    expect(['journal_mode', 'synchronous', 'fullfsync', 'checkpoint_fullfsync'].map(pragma)).toEqual([
      'wal',
      full,
      1,
      1,
    ]);
    db.close();
  });

  it('says what is wrong with a file that is no database, or is damaged', () => {
    using folder = temporaryFolder();
    const text = path.join(folder.dir, 'text.db');
    writeFileSync(text, 'this is not a database, and long enough to be read as one'.repeat(100));
    const damaged = path.join(folder.dir, 'damaged.db');
    const db = new Database(damaged);
    db.exec('CREATE TABLE a (b); INSERT INTO a VALUES (zeroblob(10000))');
    db.close();
    writeFileSync(damaged, 'SQLite format 3\0');
    const query = (open: Database.Database): void => void open.prepare('SELECT * FROM sqlite_schema').all();
    for (const file of [text, damaged, folder.dir])
      expect(
        codeOf(() => openDurable(file, query)),
        file,
      ).toBe('data_folder_invalid');
  });

  it('makes a new file whole, whatever a crash while it was made has left', () => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'a.db');
    const listing = (): string[] => readdirSync(folder.dir).filter((name) => name.startsWith('a.db'));
    const fresh = `${file}.new`;
    const half = new Database(fresh);
    half.exec('CREATE TABLE half (x)');
    half.close();
    const bytes = readFileSync(fresh);
    writeFileSync(`${fresh}-journal`, journalTo(bytes, Buffer.from(bytes).fill(1, 100)));
    writeFileSync(`${fresh}-wal`, 'half');
    writeFileSync(file, '');
    const db = openDurable(file, (open) => {
      expect(open.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()).toBe(0);
      open.exec('CREATE TABLE a (b)');
    });
    expect(listing()).toEqual(['a.db', 'a.db-shm', 'a.db-wal']);
    db.close();
    expect(listing()).toEqual(['a.db']);
  });

  it('does not open what SQLite would change first, and leaves it as it is', () => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'a.db');
    openDurable(file, (db) => void db.exec('CREATE TABLE a (b)')).close();
    const before = readFileSync(file);
    openDurable(file, (db) => void db.exec('INSERT INTO a VALUES (1)')).close();
    const after = readFileSync(file);
    const journal = journalTo(after, before);
    writeFileSync(`${file}-journal`, journal);
    expect(codeOf(() => openDurable(file, () => {}))).toBe('data_folder_invalid');
    expect([readFileSync(file), readFileSync(`${file}-journal`)]).toEqual([after, journal]);
  });

  it('makes no new file beside the write-ahead log of one that is gone', () => {
    using folder = temporaryFolder();
    const file = path.join(folder.dir, 'a.db');
    writeFileSync(`${file}-wal`, 'what was committed last');
    expect(codeOf(() => openDurable(file, () => {}))).toBe('data_folder_invalid');
    expect(readFileSync(`${file}-wal`, 'utf8')).toBe('what was committed last');
  });

  it('leaves nothing open when preparing fails, and lets other errors through as they are', () => {
    using folder = temporaryFolder();
    const failing = (): void => {
      throw new RangeError('of its own');
    };
    expect(() => openDurable(folder.state, failing)).toThrow(RangeError);
    const db = openDurable(folder.state, (open) => void open.exec('CREATE TABLE a (b)'));
    db.close();
  });
});
