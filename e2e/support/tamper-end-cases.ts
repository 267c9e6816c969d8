import { all, change, entries, everything, keep, sql, type TamperCase } from './tamper-case.ts';
import type { TamperedFolder } from './tamper-folder.ts';
import { bytesOf, changed, parse, receivedLater, withTimeOf } from './tamper-forge.ts';

/** Entries from the second on, a minute apart or more, under the first checkpoint alone: nobody needs a key for that. */
export const rewriteUnsigned = (minutes: number): ((folder: TamperedFolder) => void) =>
  all(
    entries(
      ([first, ...rest]) => [
        first!,
        ...rest.map((entry, i) => receivedLater(first!, changed(entry), i * minutes)),
      ],
      everything,
    ),
    (folder) => {
      const older = 'SELECT note FROM checkpoint WHERE trail = 1 AND size = 1';
      let note: unknown;
      folder.change((db) => {
        note = db.prepare(older).pluck().get();
        db.exec('DELETE FROM checkpoint WHERE trail = 1 AND size > 1');
      });
      const setBack = "UPDATE published SET size = 1, note = ? WHERE trail = 'main'";
      folder.change((db) => db.prepare(setBack).run(note), 'published.db');
    },
  );

/** The end of the log, and older copies of it. */
export const endCases: readonly TamperCase[] = [
  {
    name: 'the last entries are cut off, everything else is left',
    apply: entries(keep(650)),
    code: 'truncated',
    finds: ['main entries truncated 650-699'],
  },
  {
    name: 'the last entries are cut off with all that is derived',
    apply: entries(keep(650), everything),
    code: 'truncated',
    finds: ['main entries truncated 650-699', 'main published truncated'],
  },
  {
    name: 'the last entries are cut off with all that is derived and the checkpoints',
    apply: all(entries(keep(512), everything), sql('DELETE FROM checkpoint WHERE trail = 1 AND size > 512')),
    code: 'rolled_back',
    finds: ['main published rolled_back 512-699'],
  },
  {
    name: 'all entries are removed',
    apply: entries(keep(0), everything),
    code: 'truncated',
    finds: ['main entries truncated 0-699'],
  },
  {
    name: 'the log is set back to an older copy',
    apply: (folder) => folder.restore('log.db'),
    code: 'rolled_back',
    finds: ['main published rolled_back 300-699'],
  },
  {
    name: 'published.db is set back to an older copy',
    apply: (folder) => folder.restore('published.db'),
    code: 'rolled_back',
    finds: ['folder published rolled_back'],
  },
  {
    name: 'the published checkpoint is one of another size',
    apply: (folder) =>
      folder.change(
        (db) => db.exec("UPDATE published SET size = size - 1 WHERE trail = 'main'"),
        'published.db',
      ),
    code: 'rolled_back',
    finds: ['folder published modified', 'folder published rolled_back'],
  },
  {
    name: 'the published checkpoint is changed',
    apply: (folder) =>
      folder.change(
        (db) => db.exec("UPDATE published SET note = replace(note, '700', '701') WHERE trail = 'main'"),
        'published.db',
      ),
    code: 'modified',
    finds: ['main published modified', 'folder published modified'],
  },
  {
    name: 'the published checkpoint of a trail is removed',
    apply: sql("DELETE FROM published WHERE trail = 'main'", 'published.db'),
    code: 'missing',
    finds: ['folder published missing'],
  },
  {
    name: 'published.db gets a trigger',
    apply: (folder) =>
      folder.change(
        (db) => db.exec('CREATE TRIGGER t AFTER UPDATE ON published BEGIN DELETE FROM published; END'),
        'published.db',
      ),
    code: 'unreadable',
    finds: ['folder published unreadable'],
  },
  {
    name: 'all checkpoints are removed, published.db with them, and the entries rewritten',
    apply: all(
      entries(change(5), everything),
      sql('DELETE FROM checkpoint'),
      sql('DELETE FROM published', 'published.db'),
    ),
    code: 'not_covered',
    finds: ['main coverage not_covered 0-699', 'system coverage not_covered 0-3'],
  },
  {
    name: 'later checkpoints are removed, in published.db too, and what they covered is rewritten',
    apply: rewriteUnsigned(1),
    code: 'not_covered',
    finds: ['main coverage not_covered 1-699'],
  },
  {
    name: 'the same, with receive times as if all were new, where everything has to be signed',
    apply: rewriteUnsigned(0),
    options: { requireSigned: true },
    code: 'not_covered',
    finds: ['main coverage not_covered 1-699'],
    only: true,
  },
  {
    name: 'the same, and the verifier remembers what it saw',
    apply: rewriteUnsigned(0),
    remembers: true,
    code: 'modified',
    finds: ['main remembered modified'],
  },
  {
    name: 'the same, with receive times that are none',
    apply: all(
      rewriteUnsigned(0),
      entries(
        (list) => list.with(699, withTimeOf(bytesOf({ ...parse(list[1]!), receivedAt: 'z' }), list[699]!)),
        everything,
      ),
    ),
    code: 'not_covered',
    finds: ['main coverage not_covered 1-699'],
  },
];
