import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeadLetter } from '../../ports.ts';
import { temporaryFolder } from '../../sequencer/testing/temporary-folder.ts';
import { codeOf } from '../../testing/code-of.ts';
import { deadLetterTables, SqliteDeadLetters } from './dead-letters.ts';
import { SqliteStateStore } from './state-store.ts';

let db: Database.Database;
let store: SqliteDeadLetters;
beforeEach(() => {
  db = new Database(':memory:');
  db.exec(deadLetterTables);
  store = new SqliteDeadLetters(db, 3);
});
afterEach(() => db.close());

const letter = (text: string, further: Partial<DeadLetter> = {}): Omit<DeadLetter, 'id'> => ({
  source: 'okta',
  trail: 'main',
  tenant: undefined,
  receivedMs: 1,
  position: 1,
  code: 'malformed_json',
  reason: 'expected JSON',
  text,
  ...further,
});
const texts = (source = 'okta', after = 0, limit = 10): readonly string[] =>
  store.deadLetters(source, after, limit).letters.map(({ text }) => text);

describe('dead letters', () => {
  it('come back as they were, a page at a time', () => {
    store.addDeadLetters([letter('a', { tenant: 'acme' }), letter('b\0\ud83d\ude00'), letter('c')]);
    const { letters, dropped } = store.deadLetters('okta', 0, 2);
    expect(letters).toEqual([
      { ...letter('a', { tenant: 'acme' }), id: 1 },
      { ...letter('b\0\ud83d\ude00'), id: 2 },
    ]);
    expect(dropped).toBe(0);
    expect(texts('okta', 2)).toEqual(['c']);
    expect(texts('syslog')).toEqual([]);
  });

  it('are kept once, however often they come', () => {
    store.addDeadLetters([letter('a'), letter('a')]);
    store.addDeadLetters([letter('a', { receivedMs: 5, position: 7 }), letter('a', { trail: 'other' })]);
    expect(store.deadLetters('okta', 0, 10).letters).toMatchObject([
      { text: 'a', receivedMs: 5, position: 7, trail: 'main' },
      { text: 'a', trail: 'other' },
    ]);
  });

  it('make room for later ones, and that is counted', () => {
    store.addDeadLetters(['a', 'b', 'c', 'd', 'e'].map((text) => letter(text)));
    store.addDeadLetters([letter('x', { source: 'syslog' })]);
    expect(texts()).toEqual(['c', 'd', 'e']);
    expect(store.deadLetters('okta', 0, 10).dropped).toBe(2);
    expect(store.deadLetters('syslog', 0, 10).dropped).toBe(0);
  });

  it('are cut where they are long', () => {
    store.addDeadLetters([letter('x'.repeat(100_000))]);
    expect(texts()[0]?.length).toBe(16 * 1024);
  });

  it('are forgotten up to the one that is named', () => {
    store.addDeadLetters(['a', 'b', 'c', 'd'].map((text) => letter(text)));
    expect(store.removeDeadLetters('okta', 3)).toBe(2);
    expect(texts()).toEqual(['d']);
    expect(store.deadLetters('okta', 0, 10).dropped).toBe(0);
    expect(store.removeDeadLetters('okta', Number.MAX_SAFE_INTEGER)).toBe(1);
    expect(store.removeDeadLetters('syslog', 5)).toBe(0);
  });

  it('that cannot be written are the fault of the disk', () => {
    db.pragma('query_only = ON');
    expect(codeOf(() => store.addDeadLetters([letter('a')]))).toBe('storage_unavailable');
  });

  it('outlive the process', () => {
    using folder = temporaryFolder();
    {
      using state = new SqliteStateStore(folder.state);
      state.deadLetters.addDeadLetters([letter('a')]);
    }
    using state = new SqliteStateStore(folder.state);
    expect(state.deadLetters.deadLetters('okta', 0, 10).letters).toHaveLength(1);
  });
});
