import { readFileSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { journalTo } from '../../packages/server/src/adapters/testing/rollback-journal.ts';
import { all, change, entries, everything, sql, type TamperCase } from './tamper-case.ts';
import type { TamperedFolder } from './tamper-folder.ts';
import type { HarmlessCase } from './tamper-limit-cases.ts';

type Tamper = (folder: TamperedFolder) => void;

/** Takes a change of a file back, and leaves a rollback journal beside it by which SQLite would make it again. */
const inJournal =
  (tamper: Tamper, file: string = 'log.db', superJournal?: string): Tamper =>
  (folder) => {
    const before = readFileSync(folder.file(file));
    tamper(folder);
    const after = readFileSync(folder.file(file));
    writeFileSync(folder.file(file), before);
    const name = superJournal === undefined ? undefined : folder.file(superJournal);
    writeFileSync(folder.file(`${file}-journal`), journalTo(before, after, name));
  };

/** The same with a write-ahead log. */
const inWal =
  (tamper: Tamper): Tamper =>
  (folder) => {
    const file = folder.file('log.db');
    const before = readFileSync(file);
    // While somebody reads, nothing is written back and the log is kept.
    const reader = new Database(file);
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM trail').get();
    tamper(folder);
    const wal = readFileSync(`${file}-wal`);
    reader.close();
    writeFileSync(file, before);
    writeFileSync(`${file}-wal`, wal);
  };

/** Changes bytes of a file. */
const overwrite =
  (name: string, change: (bytes: Buffer) => Buffer): Tamper =>
  (folder) =>
    writeFileSync(folder.file(name), change(readFileSync(folder.file(name))));

/** SQLite believes in names of this form alone. */
const superJournal = 'log.db-mj0123459ab';
const garbage = Buffer.from('garbage'.repeat(1000));

const cases: readonly (readonly [name: string, apply: Tamper])[] = [
  ['an entry would be changed in a bundle', inJournal(entries(change(5)))],
  [
    'an entry would be changed in the tail, with all that is derived',
    inJournal(entries(change(650), everything)),
  ],
  ['the log would be emptied', inJournal((folder) => folder.write('log.db', ''))],
  ['the log would be set back', inJournal((folder) => folder.restore('log.db'))],
  [
    'the published checkpoints would be set back',
    inJournal((folder) => folder.restore('published.db'), 'published.db'),
  ],
  [
    'a token would get another role',
    inJournal(sql("UPDATE token SET role = 'read'", 'state.db'), 'state.db'),
  ],
  [
    'an entry would be changed, and which names a super-journal',
    all(inJournal(entries(change(5)), 'log.db', superJournal), (folder) =>
      folder.write(superJournal, `${folder.file('log.db-journal')}\0`),
    ),
  ],
  [
    'an entry would be changed once there is a super-journal',
    inJournal(entries(change(5)), 'log.db', superJournal),
  ],
  ['nothing would be changed', (folder) => writeFileSync(folder.file('log.db-journal'), garbage)],
];

/** Rollback journals, which a server never leaves, and by which SQLite changes a file before anything else. */
export const journalCases: readonly TamperCase[] = cases.map(([name, apply]) => ({
  name: `a journal lies there by which ${name}`,
  apply,
  code: 'modified',
  finds: ['folder store modified'],
}));

/** Write-ahead logs are part of the log: what they say is judged as the rest is. */
export const walCases: readonly TamperCase[] = [
  {
    name: 'a write-ahead log changes an entry',
    apply: inWal(entries(change(5))),
    code: 'modified',
    finds: ['main entries modified 5'],
  },
  {
    name: 'a write-ahead log cuts off the last entries, with all that is derived',
    apply: inWal(entries((list) => list.slice(0, 650), everything)),
    code: 'truncated',
    finds: ['main entries truncated 650-699'],
  },
];

/** What SQLite passes over. */
export const passedOver: readonly HarmlessCase[] = [
  { name: 'an empty journal', apply: (folder) => folder.write('log.db-journal', '') },
  {
    name: 'a journal whose header was zeroed when it was done with',
    apply: all(
      inJournal(entries(change(5))),
      overwrite('log.db-journal', (bytes) => bytes.fill(0, 0, 28)),
    ),
  },
  {
    name: 'a super-journal that no journal names',
    apply: (folder) => folder.write(superJournal, `${folder.file('log.db-journal')}\0`),
  },
  {
    name: 'a write-ahead log of garbage',
    apply: (folder) => writeFileSync(folder.file('log.db-wal'), garbage),
  },
  {
    name: 'a write-ahead log whose frames have another salt than its header',
    apply: all(
      inWal(entries(change(5))),
      overwrite('log.db-wal', (bytes) => bytes.fill(7, 32 + 8, 32 + 16)),
    ),
  },
  {
    name: 'a write-ahead log without a commit',
    apply: all(
      inWal(entries(change(5))),
      overwrite('log.db-wal', (bytes) => bytes.subarray(0, 32 + 24 + 100)),
    ),
  },
  { name: 'shared memory of garbage', apply: (folder) => writeFileSync(folder.file('log.db-shm'), garbage) },
];
