import { generateKey } from '@sealtrail/core';
import { all, change, entries, everything, exchange, keep, sql, type TamperCase } from './tamper-case.ts';
import { SIZES, type TamperedFolder } from './tamper-folder.ts';
import { invented, numberOf, readEntries, signAnew, signerOf } from './tamper-forge.ts';

/** A key of somebody else for the same origin. */
export const strangers = generateKey('audit.example/main', new Uint8Array(32).fill(7));

/** Signs what the log holds now with a key: the stolen one unless told otherwise. `keeps`: stored notes that stay. */
export const sign =
  (sizes: readonly number[], { keeps = [], skey }: { keeps?: readonly number[]; skey?: string } = {}) =>
  (folder: TamperedFolder): void =>
    folder.change((db) => {
      const id = numberOf(db, 'main');
      const kept = db
        .prepare('SELECT size, note FROM checkpoint WHERE trail = ?')
        .all(id)
        .filter((row) => keeps.includes((row as { size: number }).size));
      signAnew(db, readEntries(db), sizes, signerOf(skey ?? folder.read('keys/main.key')));
      const put = db.prepare('INSERT OR REPLACE INTO checkpoint VALUES (?, @size, @note)');
      for (const row of kept) put.run(id, row);
    });

/** Publishes the last checkpoint that the log holds. */
export const publish = (folder: TamperedFolder): void => {
  let last = { size: 0, note: '' };
  folder.change((db) => {
    last = db
      .prepare('SELECT size, note FROM checkpoint WHERE trail = 1 ORDER BY size DESC LIMIT 1')
      .get() as typeof last;
  });
  folder.change(
    (db) => db.prepare("UPDATE published SET size = @size, note = @note WHERE trail = 'main'").run(last),
    'published.db',
  );
};

/** A new key wherever the folder has the old one; the trust policy is left alone. */
export const replaceKey = all(
  sql(`UPDATE trail SET vkey = '${strangers.vkey}' WHERE name = 'main'`),
  (folder) => folder.write('keys/main.key', `${strangers.skey}\n`),
  sign(SIZES, { skey: strangers.skey }),
);
export const replacePolicy = (folder: TamperedFolder): void =>
  folder.write(
    'trust-policy.txt',
    folder.read('trust-policy.txt').replace(/^log audit\.example\/main.*$/m, `log ${strangers.vkey}\n`),
  );

export const setBack =
  (...files: readonly string[]) =>
  (folder: TamperedFolder): void => {
    for (const file of files) folder.restore(file);
  };

export const own = { policyText: undefined };

/** What somebody can do who has the signing key of the trail. */
export const stolenKeyCases: readonly TamperCase[] = [
  {
    name: 'an entry is changed and all is signed anew: same size, other root',
    apply: all(entries(change(320), everything), sign(SIZES)),
    code: 'forked',
    finds: ['main published forked'],
  },
  {
    name: 'two entries are exchanged and what follows is signed anew, older checkpoints are left',
    apply: all(entries(exchange(320, 330), everything), sign([512, 700], { keeps: [1, 100, 300] })),
    code: 'forked',
    finds: ['main published forked'],
  },
  {
    name: 'an entry is changed, entries are added and all is signed anew',
    apply: all(
      entries((list) => [...change(320)(list), invented(list[699]!)], everything),
      sign([300, 701]),
    ),
    code: 'forked',
    finds: ['main published forked'],
  },
  {
    name: 'entries are cut off and what is left is signed anew',
    apply: all(entries(keep(600), everything), sign([600])),
    code: 'rolled_back',
    finds: ['main published rolled_back 600-699'],
  },
  {
    name: 'an entry is changed, all is signed anew and published, one old checkpoint is left',
    apply: all(entries(change(320), everything), sign([700], { keeps: [512] }), publish),
    code: 'forked',
    finds: ['main checkpoints forked'],
  },
  {
    name: 'an entry is changed, all is signed anew and published; the verifier remembers',
    apply: all(entries(change(320), everything), sign(SIZES), publish),
    code: 'forked',
    finds: ['main remembered forked'],
    remembers: true,
  },
  {
    name: 'log and published.db are set back together; the verifier remembers',
    apply: setBack('log.db', 'published.db'),
    code: 'rolled_back',
    finds: ['main remembered rolled_back 300-699'],
    remembers: true,
  },
];
