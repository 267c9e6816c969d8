import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  addSignatures,
  createCosigner,
  createSigner,
  generateKey,
  parseCheckpoint,
  parseNote,
  type StoredCheckpoint,
  signCheckpoint,
  signNote,
} from '@sealtrail/core';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { DataFolder } from '../adapters/fs/data-folder.ts';
import { createNativeSigner } from '../adapters/native-ed25519.ts';
import type { WriteFault } from '../ports.ts';
import { type FolderVerdict, verifyFolder } from '../verify/verify-folder.ts';
import { OpenLog } from './testing/open-log.ts';
import { SeededRandom } from './testing/seeded-random.ts';
import { batchOf, groupOf, risingEvents } from './testing/sent.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const startMs = Date.UTC(2026, 0, 1, 0, 0, 17);
/** Stored checkpoints that one commit looks at in one of the two tiers of a trail. */
const looksATier = 16;

/** A log under a clock that the test moves, and when each checkpoint of `main` was published. */
class ClockedLog implements Disposable {
  readonly folder: DataFolder & Disposable = temporaryFolder();
  readonly published: Map<number, number> = new Map();
  nowMs = startMs;
  fault: string | undefined;
  #size = 0;
  #log: OpenLog;

  constructor() {
    this.#log = this.#open();
  }

  get size(): number {
    return this.#size;
  }

  restart(): void {
    this.#log[Symbol.dispose]();
    this.#log = this.#open();
  }

  /** Records entries and publishes a checkpoint of them; false where that failed. */
  publish(afterMs: number, entries = 1): boolean {
    this.nowMs += afterMs;
    const from = this.#size;
    this.#size += entries;
    this.#log.sequencer.append(batchOf(groupOf(risingEvents(from, this.#size))));
    this.#log.publisher.grew('main');
    // A clock that steps back does not take a trail back.
    const lastMs = Math.max(this.nowMs, ...[...this.published.values()].slice(-1));
    try {
      this.#log.publisher.publishAll();
      return true;
    } catch {
      return false;
    } finally {
      this.published.set(this.#size, lastMs);
    }
  }

  /** Publishes until all stored checkpoints have been looked at: what one commit does is bounded. */
  settle(): void {
    for (let left = this.sizes().length; left > -looksATier; left -= looksATier) this.publish(1);
  }

  rows(): StoredCheckpoint[] {
    return this.run((db) =>
      db
        .prepare<[], StoredCheckpoint>('SELECT size, note FROM checkpoint WHERE trail = 1 ORDER BY size')
        .all(),
    );
  }

  sizes(): number[] {
    return this.rows().map(({ size }) => size);
  }

  run<T>(work: (db: Database.Database) => T): T {
    const db = new Database(this.folder.log);
    try {
      return work(db);
    } finally {
      db.close();
    }
  }

  /** What should be stored, said plainly: of each slot the first, of the last hour all. */
  expected(): number[] {
    const newestMs = Math.max(...this.published.values());
    const limit = (afterMs: number, everyMs: number): number =>
      Math.floor((newestMs - afterMs) / everyMs) * everyMs;
    const slots = new Set<string>();
    return [...this.published].flatMap(([size, atMs]) => {
      if (atMs >= limit(hourMs, minuteMs)) return size;
      const slot =
        atMs >= limit(dayMs, hourMs)
          ? `minute ${Math.floor(atMs / minuteMs)}`
          : `hour ${Math.floor(atMs / hourMs)}`;
      if (slots.has(slot)) return [];
      slots.add(slot);
      return size;
    });
  }

  #open(): OpenLog {
    const fault: WriteFault = (point, phase) => {
      if (this.fault === `${point} ${phase}`) throw new Error('injected');
    };
    return new OpenLog(this.folder, { now: () => this.nowMs, fault });
  }

  [Symbol.dispose](): void {
    this.#log[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }
}

describe('stored checkpoints', () => {
  it('all stay for an hour, then the first of a minute, after a day the first of an hour', async () => {
    using log = new ClockedLog();
    for (let i = 0; i < 360; i++) log.publish(20 * secondMs);
    expect(log.sizes()).toEqual(log.expected());
    // Two hours, three a minute: all of the second one, and one a minute of the first.
    expect(log.sizes().length).toBeGreaterThan(180 + 59);
    expect(log.sizes().length).toBeLessThan(180 + 64);
    for (let i = 0; i < 200; i++) log.publish(10 * minuteMs);
    const { size } = log;
    log.settle();
    expect(log.sizes()).toEqual(log.expected());
    // Thirty-five hours, of which the last day has six an hour and what is before it has one.
    expect(log.sizes().filter((stored) => stored <= size).length).toBeLessThan(25 * 6 + 15);
    expect(await verifyFolder(log.folder.dir)).toMatchObject({
      ok: true,
      trails: [{ coveredSize: log.size }],
    });
  });

  it.each([1, 2, 3, 4])(
    'are the same over restarts, pauses, steps of the clock and failing writes (seed %i)',
    (seed) => {
      const random = new SeededRandom(seed);
      using log = new ClockedLog();
      const faults = ['published before', 'published after', 'checkpoint before', 'checkpoint after'];
      for (let i = 0; i < 250; i++) {
        const pause = random.pick([secondMs, 7 * secondMs, 30 * secondMs, 5 * minuteMs, hourMs]);
        if (random.chance(0.01)) log.nowMs += 2 * dayMs;
        if (random.chance(0.02)) log.nowMs -= 10 * minuteMs;
        if (random.chance(0.05)) log.restart();
        const entries = random.chance(0.1) ? random.integer(2, 600) : 1;
        if (random.chance(0.05)) log.fault = random.pick(faults);
        const isPublished = log.publish(random.integer(1, pause), entries);
        log.fault = undefined;
        // Signed again with what came next, or stored at the next start: either way the newest is there.
        if (!isPublished) {
          const size = log.size;
          log.publish(1);
          if (!log.sizes().includes(size)) log.published.delete(size);
        }
      }
      log.settle();
      expect(log.sizes()).toEqual(log.expected());
      expect(log.sizes().length).toBeLessThan(log.published.size);
    },
  );

  it('stay at the border of their hour, to the millisecond', () => {
    using log = new ClockedLog();
    log.nowMs = Math.ceil(startMs / minuteMs) * minuteMs - 1;
    for (const afterMs of [0, 0, 1, 0, 0]) log.publish(afterMs);
    log.publish(hourMs);
    log.settle();
    expect(log.sizes().slice(0, 5)).toEqual([1, 3, 4, 5, 6]);
    expect(log.sizes()).toEqual(log.expected());
  });

  it('include the newest and the first, however old they are', () => {
    using log = new ClockedLog();
    // Of the trail without entries, as somebody may ask for one.
    log.publish(0, 0);
    log.publish(0);
    log.publish(secondMs);
    log.restart();
    log.publish(1000 * dayMs);
    expect(log.sizes()).toEqual([0, 1, 3]);
    log.restart();
    expect(log.sizes()).toEqual([0, 1, 3]);
    log.publish(secondMs);
    expect(log.sizes()).toEqual([0, 1, 3, 4]);
  });

  it('are dropped a bounded number a commit, however many are old at once', () => {
    using log = new ClockedLog();
    for (let i = 0; i < 300; i++) log.publish(10);
    log.nowMs += 3 * dayMs;
    let before = log.sizes().length;
    const dropped: number[] = [];
    for (let i = 0; i < 20; i++) {
      log.publish(secondMs);
      dropped.push(before + 1 - log.sizes().length);
      before = log.sizes().length;
    }
    expect(Math.max(...dropped)).toBeLessThanOrEqual(2 * looksATier);
    expect(dropped.filter((count) => count > 0).length).toBeGreaterThan(3);
    expect(log.sizes()).toEqual(log.expected());
  });

  it('are dropped a bounded number a commit, however many trails have old ones, and all in the end', () => {
    using folder = temporaryFolder();
    const trails = Array.from({ length: 12 }, (_, i) => `trail-${i}`);
    let nowMs = startMs;
    using log = new OpenLog(folder, { trails, now: () => nowMs });
    let size = 0;
    const publish = (afterMs: number): void => {
      nowMs += afterMs;
      const grown = trails.flatMap((trail) => risingEvents(size, size + 1, { trail }));
      size++;
      log.sequencer.append(batchOf(groupOf(grown)));
      for (const trail of trails) log.publisher.grew(trail);
      log.publisher.publishAll();
    };
    const stored = (): number => {
      const db = new Database(folder.log, { readonly: true });
      try {
        return db.prepare<[], number>('SELECT count(*) FROM checkpoint').pluck().get()!;
      } finally {
        db.close();
      }
    };
    for (let i = 0; i < 40; i++) publish(10);
    nowMs += 3 * dayMs;
    const dropped: number[] = [];
    for (let i = 0; i < 20; i++) {
      const before = stored();
      publish(secondMs);
      dropped.push(before + trails.length - stored());
    }
    // 64 and two for each that is added; the trail that was begun is gone on with.
    expect(Math.max(...dropped)).toBeLessThanOrEqual(64 + 2 * trails.length + 2 * looksATier);
    // Of each trail the first one and the new ones stay.
    expect(stored()).toBe(trails.length * (1 + 20));
  });

  it.each(['published before', 'published after', 'checkpoint before', 'checkpoint after'])(
    'are dropped in the end when commits that drop some fail: %s',
    (fault) => {
      using log = new ClockedLog();
      for (let i = 0; i < 200; i++) log.publish(10);
      log.nowMs += 3 * dayMs;
      log.publish(secondMs);
      log.fault = fault;
      for (let i = 0; i < 3; i++) expect(log.publish(secondMs)).toBe(false);
      log.fault = undefined;
      log.settle();
      expect(log.sizes().filter((size) => size <= 200)).toEqual([1]);
    },
  );

  it('stay when they are not what the log would sign: cosigned, forged, damaged, of another history', async () => {
    using log = new ClockedLog();
    for (let i = 0; i < 60; i++) log.publish(secondMs / 2);
    const signer = createNativeSigner(readFileSync(path.join(log.folder.keys, 'main.key'), 'utf8').trim());
    const stranger = createSigner(generateKey(signer.name, new Uint8Array(32).fill(9)).skey);
    const witness = createCosigner(generateKey('witness.example', new Uint8Array(32).fill(8), 4).skey);
    const notes = new Map(log.rows().map(({ size, note }) => [size, note]));
    const textOf = (size: number): string => parseNote(notes.get(size)!).text;
    const cosignature = parseNote(signNote(textOf(10), [witness.at(1)])).signatures;
    const root = new Uint8Array(32);
    const { root: rootOf26 } = parseCheckpoint(textOf(26));
    const changed = new Map([
      [10, addSignatures(notes.get(10)!, cosignature)],
      [12, signCheckpoint({ origin: signer.name, size: 12, root }, [signer])],
      [14, signNote(textOf(14), [stranger])],
      [16, notes.get(16)!.replace(/.{8}(?=\n$)/, 'AAAAAAA=')],
      [18, 'nonsense'],
      [20, notes.get(21)!],
      [22, signNote(textOf(22), [signer, stranger])],
      [24, signNote(textOf(24).replace(signer.name, 'audit.example/other'), [signer])],
      [26, signCheckpoint({ origin: signer.name, size: 27, root: rootOf26 }, [signer])],
    ]);
    log.run((db) => {
      const put = db.prepare('UPDATE checkpoint SET note = ? WHERE size = ?');
      for (const [size, note] of changed) put.run(note, size);
    });
    const before = failed(await verifyFolder(log.folder.dir));
    log.publish(2 * dayMs);
    log.settle();
    expect(log.sizes().filter((size) => size <= 60)).toEqual([1, ...changed.keys()]);
    // They are found as they were before.
    expect(before).toContain('checkpoints forked');
    expect(failed(await verifyFolder(log.folder.dir))).toEqual(before);
  });

  it('stay when the log can no longer tell what is under them', () => {
    using log = new ClockedLog();
    for (let i = 0; i < 40; i++) log.publish(secondMs / 2, 20);
    log.run((db) => db.exec("UPDATE bundle SET data = x'00' WHERE n = 1"));
    log.restart();
    log.publish(2 * dayMs);
    log.settle();
    const old = log.sizes().filter((size) => size <= 800);
    const unreadable = Array.from({ length: 40 }, (_, i) => 20 * (i + 1)).filter(
      (size) => size > 256 && size <= 512,
    );
    expect(old).toEqual(expect.arrayContaining(unreadable));
    expect(old.length).toBeLessThan(20);
  });
});

/** The failed checks of a verdict. */
const failed = ({ checks, trails }: FolderVerdict): string[] =>
  [...checks, ...trails.flatMap((trail) => trail.checks)]
    .filter(({ status }) => status === 'failed')
    .map(({ check, code }) => `${check} ${code}`);
