import { zstdCompressSync } from 'node:zlib';
import { encodeBundle } from '@sealtrail/core';
import { sql, type TamperCase } from './tamper-case.ts';
import { readEntries } from './tamper-forge.ts';

/** The rows of the tail of `main`, from 0. */
const tailRow = (number: number): string =>
  `(SELECT start FROM tail WHERE trail = 1 ORDER BY start LIMIT 1 OFFSET ${number})`;

/** Rows that are gone, and rows and objects that the server never writes. */
export const storeCases: readonly TamperCase[] = [
  ...[
    ['a trigger', 'CREATE TRIGGER t AFTER INSERT ON tail BEGIN DELETE FROM tail; END'],
    ['a view', 'CREATE VIEW v AS SELECT * FROM tail'],
    ['a table', 'CREATE TABLE notes (text TEXT)'],
    ['an index', 'CREATE INDEX i ON entry_id (idx)'],
    ['a column', 'ALTER TABLE tail ADD COLUMN note TEXT'],
    ['a table renamed', 'ALTER TABLE entry_id RENAME TO ids'],
    ['a table removed', 'DROP TABLE checkpoint'],
    [
      'a view without end in the place of a table',
      "DROP TABLE tail; CREATE VIEW tail AS WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c) SELECT 1 AS trail, n AS start, x'' AS data, x'' AS hashes FROM c",
    ],
    ['another format version', 'PRAGMA user_version = 2'],
    ['another application id', 'PRAGMA application_id = 1'],
    ['statistics', 'ANALYZE'],
  ].map(
    ([name, statement]): TamperCase => ({
      name: `the log has ${name}`,
      apply: sql(statement!),
      code: 'modified',
      finds: ['folder store modified'],
    }),
  ),
  {
    name: 'a bundle is split: entries that fill one stand in the tail',
    apply: (folder) =>
      folder.change((db) => {
        const list = readEntries(db);
        db.exec('DELETE FROM bundle WHERE trail = 1 AND n = 1');
        const hashes = db
          .prepare('SELECT data FROM tile WHERE trail = 1 AND level = 0 AND n = 1')
          .pluck()
          .get();
        db.prepare('INSERT INTO tail VALUES (1, 256, ?, ?)').run(encodeBundle(list.slice(256, 512)), hashes);
      }),
    code: 'modified',
    finds: ['main store modified 256'],
  },
  {
    name: 'the tail stands in a bundle',
    apply: (folder) =>
      folder.change((db) => {
        const list = readEntries(db);
        db.exec('DELETE FROM tail WHERE trail = 1');
        db.prepare('INSERT INTO bundle VALUES (1, 2, ?)').run(
          zstdCompressSync(encodeBundle(list.slice(512))),
        );
      }),
    code: 'modified',
    finds: ['main store modified 512'],
  },
  ...(
    [
      ['first', 0, '512-575'],
      ['second', 1, '576-639'],
    ] as const
  ).map(
    ([name, number, range]): TamperCase => ({
      name: `the ${name} row of the tail is removed, its hashes with it`,
      apply: sql(`DELETE FROM tail WHERE trail = 1 AND start = ${tailRow(number)}`),
      code: 'missing',
      finds: [`main entries missing ${range}`],
      only: true,
    }),
  ),
  {
    name: 'the last row of the tail is removed',
    apply: sql(`DELETE FROM tail WHERE trail = 1 AND start = ${tailRow(2)}`),
    code: 'truncated',
    finds: ['main entries truncated 640-699', 'main published truncated', 'main store modified'],
    only: true,
  },
  ...['a byte', 'a frame that is passed over'].map(
    (what, i): TamperCase => ({
      name: `${what} stands behind the entries in a bundle`,
      apply: sql(
        `UPDATE bundle SET data = CAST(data || x'${i === 0 ? '07' : '502a4d180200000041'}42' AS BLOB) WHERE trail = 1 AND n = 1`,
      ),
      code: 'modified',
      finds: ['main store modified 256'],
      only: true,
    }),
  ),
  {
    name: 'a row of the tail holds no entries',
    apply: sql("INSERT INTO tail VALUES (1, 700, x'', x'')"),
    code: 'modified',
    finds: ['main store modified 700'],
  },
  {
    name: 'a bundle far beyond the end',
    apply: sql('INSERT INTO bundle SELECT 1, 1 << 40, data FROM bundle WHERE trail = 1 AND n = 0'),
    code: 'missing',
    finds: ['main entries missing 700-281474976710655'],
  },
  {
    name: 'a hash tile beyond the end',
    apply: sql('INSERT INTO tile SELECT 1, 0, 9, data FROM tile WHERE trail = 1 AND level = 0 AND n = 0'),
    code: 'modified',
    finds: ['main store modified'],
  },
  {
    name: 'a hash tile for the tail, which the server keeps elsewhere',
    apply: sql('INSERT INTO tile SELECT trail, 0, 2, hashes FROM tail WHERE start = 512'),
    code: 'modified',
    finds: ['main store modified'],
  },
  {
    name: 'hash tiles alone are changed',
    apply: sql('UPDATE tile SET data = zeroblob(length(data)) WHERE trail = 1 AND level = 0'),
    code: 'modified',
    finds: ['main tiles modified 0-511'],
  },
  {
    name: 'the table of ids alone is changed: two ids lead to each other',
    apply: sql('UPDATE entry_id SET idx = 14 - idx WHERE trail = 1 AND idx IN (5, 9)'),
    code: 'modified',
    finds: ['main store modified 5-9'],
  },
  {
    name: 'log.db is no database',
    apply: (folder) => folder.write('log.db', 'hello'.repeat(1000)),
    code: 'unreadable',
    finds: ['folder store unreadable'],
  },
  {
    name: 'log.db is empty',
    apply: (folder) => folder.write('log.db', ''),
    code: 'modified',
    finds: ['folder store modified'],
  },
  {
    name: 'log.db is removed',
    apply: (folder) => folder.remove('log.db'),
    code: 'missing',
    finds: ['folder store missing'],
  },
  {
    name: 'published.db is removed',
    apply: (folder) => folder.remove('published.db'),
    code: 'missing',
    finds: ['folder published missing'],
  },
  {
    name: 'published.db is no database',
    apply: (folder) => folder.write('published.db', 'hello'.repeat(1000)),
    code: 'unreadable',
    finds: ['folder published unreadable'],
  },
];
