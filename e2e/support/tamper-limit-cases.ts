import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { all, change, entries, everything, sql, type TamperCase } from './tamper-case.ts';
import { rewriteUnsigned } from './tamper-end-cases.ts';
import { SIZES } from './tamper-folder.ts';
import { own, publish, replaceKey, replacePolicy, setBack, sign } from './tamper-key-cases.ts';

export type HarmlessCase = Omit<TamperCase, 'code' | 'finds'>;

/** What no verifier can see from the folder alone: the limits that SECURITY.md names. */
export const blindSpots: readonly HarmlessCase[] = [
  {
    name: 'whoever has the key and published.db writes a new history, and nobody remembers the old one',
    apply: all(entries(change(320), everything), sign(SIZES), publish),
  },
  {
    name: 'log and published.db are set back together, and nobody remembers them',
    apply: setBack('log.db', 'published.db'),
  },
  {
    name: 'later checkpoints are taken away, in published.db too, and what they covered is rewritten as if it were new',
    apply: rewriteUnsigned(0),
  },
  {
    name: 'key, published.db and trust policy are replaced, and no other policy is pinned',
    apply: all(replaceKey, replacePolicy, publish),
    options: own,
  },
];

/** Changes of bytes after which everything that was recorded is still there, and as provable as before. */
export const harmlessCases: readonly HarmlessCase[] = [
  { name: 'the file is written anew', apply: sql('VACUUM') },
  {
    name: 'a bundle is compressed otherwise',
    apply: (folder) =>
      folder.change((db) => {
        const data = db.prepare('SELECT data FROM bundle WHERE trail = 1 AND n = 0').pluck().get() as Buffer;
        const again = zstdCompressSync(Buffer.concat([zstdDecompressSync(data)]), { params: { 100: 19 } });
        db.prepare('UPDATE bundle SET data = ? WHERE trail = 1 AND n = 0').run(again);
      }),
  },
  {
    name: 'the rows of the tail are made one',
    apply: (folder) =>
      folder.change((db) => {
        const column = (name: string): Buffer =>
          Buffer.concat(
            db.prepare(`SELECT ${name} FROM tail WHERE trail = 1 ORDER BY start`).pluck().all() as Buffer[],
          );
        const row = [column('data'), column('hashes')];
        db.exec('DELETE FROM tail WHERE trail = 1');
        db.prepare('INSERT INTO tail VALUES (1, 512, ?, ?)').run(...row);
      }),
  },
  {
    // A later checkpoint vouches for the same entries; the last one is in published.db.
    name: 'checkpoints are removed that a published one follows',
    apply: sql('DELETE FROM checkpoint'),
  },
  {
    // Anyone may add signatures to a note, says signed-note: witnesses do.
    name: 'a checkpoint gets the signature of a key that nobody knows',
    apply: sql(
      `UPDATE checkpoint SET note = note || '— stranger.example ' || 'AAAAAAECAwQFBgcI' || char(10) WHERE trail = 1`,
    ),
  },
  {
    // The numbers of trails only tie rows together.
    name: 'two trails exchange their numbers throughout',
    apply: sql(
      `UPDATE trail SET id = -1 WHERE id = 1; UPDATE trail SET id = 1 WHERE id = 3; UPDATE trail SET id = 3 WHERE id = -1;`.concat(
        ...['bundle', 'tail', 'tile', 'entry_id', 'checkpoint'].map(
          (table) =>
            `UPDATE ${table} SET trail = trail - 4 WHERE trail IN (1, 3); UPDATE ${table} SET trail = -trail WHERE trail < 0;`,
        ),
      ),
    ),
  },
  {
    // Nobody needs the private keys to verify, and a copy for an auditor must not have them.
    name: 'the signing keys are removed',
    apply: (folder) => folder.remove('keys'),
  },
  {
    name: 'the trust policy is removed, though another copy is pinned',
    apply: (folder) => folder.remove('trust-policy.txt'),
  },
  {
    name: 'the index and the state are removed',
    apply: (folder) => {
      folder.remove('index');
      folder.remove('state.db');
    },
  },
];
