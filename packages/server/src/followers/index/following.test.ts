import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { all } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { describe, expect, test, vi } from 'vitest';
import type { LogReader } from '../../ports.ts';
import { codeOfPromise } from '../../testing/code-of.ts';
import { EventIndex } from './event-index.ts';
import { FollowedLog, searchAll, type Told } from './testing/followed-log.ts';

const inTrail = (trail: string, count: number): Told[] => Array.from({ length: count }, () => ({ trail }));
const falling = (count: number): number[] => Array.from({ length: count }, (_, i) => count - 1 - i);

/** A reader that fails for some trails, as a damaged or unreachable log does. */
function failingFor(log: LogReader, trails: ReadonlySet<string>): LogReader {
  return {
    trails: () => log.trails(),
    size: (trail) => log.size(trail),
    entries: (trail, from, to) => {
      if (trails.has(trail)) throw new Error('cannot be read');
      return log.entries(trail, from, to);
    },
    [Symbol.dispose]: () => {},
  };
}

describe('following', () => {
  test('takes in what is there and what comes, of all trails', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `t${i}`);
    using log = new FollowedLog(...names);
    for (const [i, name] of names.entries()) log.append(inTrail(name, 1 + (i % 5)));
    await using index = await log.index();
    for (const name of names.slice(0, 20)) log.append(inTrail(name, 9), index);
    await index.caughtUp();
    for (const name of names) expect(searchAll(index, name, all)).toEqual(falling(log.entries(name).length));
  });

  test('tells how far trails are searchable', async () => {
    using log = new FollowedLog('main', 'other');
    const told = new Map<string, number>();
    const onIndexed = (sizes: readonly (readonly [string, number])[]): void => {
      for (const [trail, size] of sizes) {
        expect(size).toBeGreaterThan(told.get(trail) ?? 0);
        told.set(trail, size);
      }
    };
    log.append([...inTrail('main', 300), ...inTrail('other', 3)]);
    await using index = await log.index({ onIndexed });
    log.append(inTrail('main', 2), index);
    await index.caughtUp();
    expect([...told].sort()).toEqual([
      ['main', 302],
      ['other', 3],
    ]);
  });

  test('takes in no more than the log holds, whatever is announced', async () => {
    using log = new FollowedLog('main');
    log.append(inTrail('main', 3));
    await using index = await log.index();
    index.grew('main', 1000);
    await index.caughtUp();
    expect(index.indexedSize('main')).toBe(3);
    log.append(inTrail('main', 20), index);
    await index.caughtUp();
    expect(searchAll(index, 'main', all)).toEqual(falling(23));
  });

  test('goes on with other trails while one cannot be read, and tries that one again', async () => {
    using log = new FollowedLog('bad', 'good');
    log.append([...inTrail('bad', 30), ...inTrail('good', 30)]);
    const failing = new Set(['bad']);
    const errors: unknown[] = [];
    await using index = EventIndex.open({
      dir: log.dir,
      log: failingFor(log.reader, failing),
      segmentEntries: 7,
      retryMs: 1,
      onError: (error) => errors.push(error),
    });
    await expect(index.caughtUp()).rejects.toThrow('cannot be read');
    await index.waitFor('good', 29, 60_000);
    log.append(inTrail('good', 30), index);
    await index.waitFor('good', 59, 60_000);
    await vi.waitUntil(() => errors.length > 2);
    expect(index.indexedSize('bad')).toBe(0);
    failing.clear();
    await index.waitFor('bad', 29, 60_000);
    expect(searchAll(index, 'bad', all)).toEqual(falling(30));
    expect(searchAll(index, 'good', all)).toEqual(falling(60));
  });

  test('tries a trail again in time, however often it and others grow', async () => {
    using log = new FollowedLog('bad', 'good');
    log.append([...inTrail('bad', 3), ...inTrail('good', 3)]);
    const failing = new Set(['bad']);
    let failures = 0;
    await using index = EventIndex.open({
      dir: log.dir,
      log: failingFor(log.reader, failing),
      retryMs: 50,
      onError: () => failures++,
    });
    await vi.waitUntil(() => failures > 0, { interval: 1 });
    failing.clear();
    const growing = setInterval(() => log.append([...inTrail('bad', 1), ...inTrail('good', 1)], index), 1);
    try {
      await index.waitFor('bad', 2, 60_000);
    } finally {
      clearInterval(growing);
    }
    await index.caughtUp();
    expect(searchAll(index, 'bad', all)).toEqual(falling(log.entries('bad').length));
  });

  test('ends when the index is closed, and goes on from there', async () => {
    using log = new FollowedLog('main');
    log.append(inTrail('main', 2000));
    const index = EventIndex.open({ dir: log.dir, log: log.reader, segmentEntries: 50 });
    await index.waitFor('main', 100, 60_000);
    const waiting = codeOfPromise(index.waitFor('main', 5000, 60_000));
    await index[Symbol.asyncDispose]();
    expect(await waiting).toBe('index_behind');
    await using again = await log.index({ segmentEntries: 50 });
    expect(searchAll(again, 'main', all)).toEqual(falling(2000));
  });
});

describe('waiting for an entry', () => {
  test('ends when it is searchable', async () => {
    using log = new FollowedLog('main');
    await using index = await log.index();
    const waiting = index.waitFor('main', 0, 60_000);
    log.append([{}], index);
    await waiting;
    expect(searchAll(index, 'main', all)).toEqual([0]);
  });

  test('ends with an error when it is not there in time, or there is no such trail', async () => {
    using log = new FollowedLog('main');
    await using index = await log.index();
    expect(await codeOfPromise(index.waitFor('main', 0, 1))).toBe('index_behind');
    expect(await codeOfPromise(index.waitFor('none', 0, 60_000))).toBe('trail_not_found');
  });
});

describe('a seal that fails', () => {
  const changeCatalog = (dir: string, sql: string): void => {
    const db = new Database(path.join(dir, 'catalog.db'));
    db.exec(sql);
    db.close();
  };
  const refuse =
    "CREATE TRIGGER refuse BEFORE INSERT ON segment_trail BEGIN SELECT raise(ABORT, 'refused'); END";
  // A folder of this name cannot be replaced by the file.
  const folder = (dir: string): string => path.join(dir, 'seg-00000001.db');
  const faults = {
    'at its file': [
      (dir: string) => mkdirSync(path.join(folder(dir), 'full'), { recursive: true }),
      (dir: string) => rmSync(folder(dir), { recursive: true }),
    ],
    'at the catalog': [
      (dir: string) => changeCatalog(dir, refuse),
      (dir: string) => changeCatalog(dir, 'DROP TRIGGER refuse'),
    ],
  } as const;

  test.each(Object.entries(faults))('%s loses nothing and is done again', async (_name, [begin, end]) => {
    using log = new FollowedLog('main');
    const errors: unknown[] = [];
    const heldUp: boolean[] = [];
    await using index = await log.index({
      retryMs: 1,
      onError: (error) => errors.push(error),
      onHeldUp: (isHeldUp) => heldUp.push(isHeldUp),
    });
    begin(log.dir);
    log.append(inTrail('main', 200), index);
    await vi.waitUntil(() => errors.length > 2);
    // Following pauses, so that memory is bounded; searches go on.
    expect(index.indexedSize('main')).toBe(21);
    await index.waitFor('main', 20, 60_000);
    expect(searchAll(index, 'main', all)).toEqual(falling(21));
    expect(heldUp).toEqual([true]);
    end(log.dir);
    await index.waitFor('main', 199, 60_000);
    expect(heldUp).toEqual([true, false]);
    expect(searchAll(index, 'main', all)).toEqual(falling(200));
    await index[Symbol.asyncDispose]();
    await using again = await log.index();
    expect(searchAll(again, 'main', all)).toEqual(falling(200));
  });
});
