import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { all, type Filter, parseFilter, type Stats } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { codeOf } from '../../testing/code-of.ts';
import type { EventIndex } from './event-index.ts';
import { FollowedLog, searchAll } from './testing/followed-log.ts';

const trails = ['main', 'other'];
const queries: Filter[] = ['*', 'outcome:failure', '"wrong password"', 'actor:u_1 -outcome:failure'].map(
  (query) => parseFilter(query, { nowMs: 0 }),
);

/** A log with a closed index of five sealed segments. */
async function indexedLog(): Promise<FollowedLog> {
  const log = new FollowedLog(...trails);
  log.append(
    Array.from({ length: 40 }, (_, i) => ({
      trail: trails[i % 2]!,
      outcome: i % 3 === 0 ? 'failure' : 'success',
      reason: ['wrong password', 'password wrong'][i % 2]!,
      actor: { type: 'user', id: `u_${i % 3}` },
    })),
  );
  await using index = await log.index();
  await sealed(log, index, 5);
  return log;
}

/** Resolves when so many segments are files. */
async function sealed(log: FollowedLog, index: EventIndex, count: number): Promise<void> {
  await index.caughtUp();
  const file = path.join(log.dir, 'catalog.db');
  for (;;) {
    const catalog = new Database(file, { readonly: true });
    const rows = catalog.prepare('SELECT count(*) FROM segment').pluck().get();
    catalog.close();
    if (rows === count) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function answers(index: EventIndex): unknown[] {
  const count = (trail: string): Stats =>
    index.stats({ trail, filter: all, field: 'actor.id', limit: 9, intervalMs: 60_000 });
  return trails.flatMap((trail) => [
    ...queries.map((filter) => searchAll(index, trail, filter)),
    count(trail),
  ]);
}

const segment = (dir: string, number: number): string => path.join(dir, `seg-0000000${number}.db`);

function changeCatalog(dir: string, sql: string): void {
  const db = new Database(path.join(dir, 'catalog.db'));
  db.exec(sql);
  db.close();
}

describe('the index gives the same answers with', () => {
  const damages: Record<string, (dir: string) => void> = {
    'nothing wrong': () => {},
    'no folder': (dir) => rmSync(dir, { recursive: true }),
    'a segment written but not in the catalog': (dir) =>
      changeCatalog(dir, 'DELETE FROM segment WHERE number = 5; DELETE FROM segment_trail WHERE segment = 5'),
    'a journal beside the catalog': (dir) => mkdirSync(path.join(dir, 'catalog.db-journal')),
    'a link where the catalog is': (dir) => {
      rmSync(path.join(dir, 'catalog.db'));
      symlinkSync('/dev/zero', path.join(dir, 'catalog.db'));
    },
    'a folder where its write-ahead log is': (dir) => mkdirSync(path.join(dir, 'catalog.db-wal')),
    'a segment half written': (dir) => copyFileSync(segment(dir, 2), `${segment(dir, 6)}.tmp`),
    'a segment that is of no catalog': (dir) => copyFileSync(segment(dir, 2), segment(dir, 9)),
    'a segment missing': (dir) => rmSync(segment(dir, 3)),
    'a segment cut short': (dir) => truncateSync(segment(dir, 3), 4096),
    'a segment replaced by an empty file': (dir) => writeFileSync(segment(dir, 1), ''),
    'a catalog missing': (dir) => rmSync(path.join(dir, 'catalog.db')),
    'a catalog that is empty': (dir) => writeFileSync(path.join(dir, 'catalog.db'), ''),
    'a catalog that is something else': (dir) =>
      writeFileSync(path.join(dir, 'catalog.db'), 'something else '.repeat(400)),
    'a catalog cut short': (dir) => truncateSync(path.join(dir, 'catalog.db'), 5000),
    'a catalog without a table': (dir) => changeCatalog(dir, 'DROP TABLE segment_trail'),
    'a catalog of other columns': (dir) =>
      changeCatalog(dir, 'ALTER TABLE segment RENAME COLUMN bytes TO size'),
    'a catalog of another format': (dir) =>
      changeCatalog(dir, "UPDATE format SET text = 'sealtrail-index/0'"),
    'a catalog that lacks a segment in the middle': (dir) =>
      changeCatalog(dir, 'DELETE FROM segment WHERE number = 2; DELETE FROM segment_trail WHERE segment = 2'),
  };

  test.each(Object.entries(damages))('%s', async (_name, damage) => {
    using log = await indexedLog();
    const expected = await (async () => {
      await using index = await log.index();
      return answers(index);
    })();
    damage(log.dir);
    await using index = await log.index();
    expect(answers(index)).toEqual(expected);
    log.append([{ trail: 'main' }, { trail: 'other' }], index);
    await sealed(log, index, 6);
    expect(searchAll(index, 'main', all)).toHaveLength(21);
    expect(readdirSync(log.dir).filter((name) => name.startsWith('seg-'))).toHaveLength(6);
  });
});

test('an index of another log is made again', async () => {
  using old = await indexedLog();
  using log = new FollowedLog('main');
  log.append([{ reason: 'new' }]);
  await using index = await log.index({ dir: old.dir });
  expect(searchAll(index, 'main', all)).toEqual([0]);
  expect(existsSync(segment(old.dir, 1))).toBe(false);
});

test.skipIf(process.platform === 'win32')(
  'an index that lies on another disk is made again there',
  async () => {
    using log = await indexedLog();
    using elsewhere = new FollowedLog();
    renameSync(log.dir, elsewhere.dir);
    symlinkSync(elsewhere.dir, log.dir);
    rmSync(segment(log.dir, 3));
    await using index = await log.index();
    expect(searchAll(index, 'main', all)).toHaveLength(20);
    expect(lstatSync(log.dir).isSymbolicLink()).toBe(true);
  },
);

test('a segment that turns out to be damaged is named as such by searches that need it, and by no other', async () => {
  using log = await indexedLog();
  const size = 4096;
  const file = segment(log.dir, 1);
  const bytes = new Database(file).serialize();
  writeFileSync(file, Buffer.concat([Buffer.alloc(size, 7), bytes.subarray(size)]));
  const damages: unknown[] = [];
  await using index = await log.index({ onDamage: (error) => damages.push(error) });
  expect(codeOf(() => searchAll(index, 'main', all))).toBe('index_unavailable');
  expect(damages).toMatchObject([{ code: 'index_unavailable' }]);
  const newest = index.query({ trail: 'main', filter: all, limit: 3, nowMs: 0 });
  expect(newest.items.map((item) => item.index)).toEqual([19, 18, 17]);
});
