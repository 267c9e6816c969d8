import { closeSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import type Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FolderVerdict } from '../packages/server/dist/verify/verify-folder.js';
import { findings } from './support/tamper-case.ts';
import {
  contentOf,
  differing,
  hashesOf,
  type LogContent,
  readableContentOf,
  seeded,
} from './support/tamper-content.ts';
import { BILLING_SIZE, OriginalFolder, type TamperedFolder } from './support/tamper-folder.ts';

const FLIPS = 200;
/** Thousands of verifications take their time on a busy machine. */
const timeout = 240_000;

let original: OriginalFolder;
beforeAll(async () => {
  original = await OriginalFolder.make();
});
afterAll(() => original[Symbol.dispose]());

/** Flips a bit in a file. @returns what flips it back */
function flip(file: string, at: number, mask: number): () => void {
  const fd = openSync(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, at);
    byte[0]! ^= mask;
    writeSync(fd, byte, 0, 1, at);
  } finally {
    closeSync(fd);
  }
  return () => void flip(file, at, mask);
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Entries that differ and that no failing range of the verdict contains, as `<trail> <index>`. */
function unnamed({ trails }: FolderVerdict, before: LogContent, after: LogContent | undefined): string[] {
  if (after === undefined) return [];
  return trails.flatMap(({ trail, ranges }, i) => {
    const bad = ranges.filter(({ code }) => code !== 'intact' && code !== 'not_covered');
    const changed = differing(before.entries.get(i + 1)!, after.entries.get(i + 1) ?? []);
    return changed
      .filter((index) => !bad.some(({ first, last }) => first <= index && index <= last))
      .map((index) => `${trail} ${index}`);
  });
}

/** The smallest index that a finding about entries names. */
function firstNamed(found: readonly string[]): number {
  const indexes = found.map((finding) => /^billing entries \S+ (\d+)/.exec(finding)?.[1] ?? Number.NaN);
  return Math.min(...indexes.map(Number).filter((index) => !Number.isNaN(index)));
}

describe('a byte of log.db flipped', { timeout }, () => {
  it('anywhere is found, named, or changes nothing that the log says', async () => {
    using folder = original.copy();
    const file = folder.file('log.db');
    const before = contentOf(file);
    const bits = seeded(20260101, 8);
    const places = seeded(7, statSync(file).size);
    let found = 0;
    for (let i = 0; i < FLIPS; i++) {
      const at = places.next().value;
      const undo = flip(file, at, 1 << bits.next().value);
      const verdict = await folder.verify();
      const what = `bit flipped in byte ${at}`;
      if (verdict.ok) expect([what, contentOf(file)]).toEqual([what, before]);
      else {
        found++;
        expect([what, unnamed(verdict, before, readableContentOf(file))]).toEqual([what, []]);
      }
      undo();
      for (const side of ['-wal', '-shm']) rmSync(file + side, { force: true });
    }
    // Free and unused bytes of pages are the rest.
    expect(found).toBeGreaterThan(FLIPS / 4);
    expect(findings(await folder.verify())).toEqual([]);
  });
});

describe('every byte flipped', { timeout }, () => {
  let folder: TamperedFolder;
  beforeAll(() => {
    folder = original.copy();
  });
  afterAll(() => folder[Symbol.dispose]());

  /** Flips one bit of each byte of a stored value in turn, and has the verdict on the trail `billing` looked at. */
  async function flipEach(
    table: string,
    column: string,
    check: (i: number, flipped: Buffer, found: readonly string[]) => void,
  ): Promise<void> {
    const id = 3;
    let data: Buffer = Buffer.alloc(0);
    folder.change((db) => {
      data = db.prepare(`SELECT ${column} FROM ${table} WHERE trail = ?`).pluck().get(id) as Buffer;
    });
    const put = (value: Buffer) => (db: Database.Database) =>
      db.prepare(`UPDATE ${table} SET ${column} = ? WHERE trail = ?`).run(value, id);
    const bits = seeded(data.length, 8);
    for (let i = 0; i < data.length; i++) {
      const flipped = Buffer.from(data);
      flipped[i]! ^= 1 << bits.next().value;
      folder.change(put(flipped));
      check(i, flipped, findings(await folder.verify({ trail: 'billing' })));
    }
    folder.change(put(data));
  }

  it('of a compressed bundle: the entries concerned are named, or its content is the same', async () => {
    const entries = contentOf(folder.file('log.db')).entries.get(3)!.slice(0, 256);
    let same = 0;
    await flipEach('bundle', 'data', (i, flipped, found) => {
      const decoded = attempt(() => hashesOf(zstdDecompressSync(flipped)));
      const what = `byte ${i}`;
      if (decoded === undefined)
        expect([what, found]).toEqual([what, expect.arrayContaining(['billing entries unreadable 0-255'])]);
      else if (differing(entries, decoded).length === 0) {
        same++;
        expect([what, found]).toEqual([what, []]);
      } else expect([what, firstNamed(found)]).toEqual([what, differing(entries, decoded)[0]]);
    });
    // The window descriptor and such; every byte of content is another matter.
    expect(same).toBeLessThan(16);
  });

  it('of the entries at the end: the entry is named', async () => {
    const entries = contentOf(folder.file('log.db')).entries.get(3)!.slice(256);
    await flipEach('tail', 'data', (i, flipped, found) => {
      const decoded = attempt(() => hashesOf(flipped));
      const unreadable = `billing entries unreadable 256-${BILLING_SIZE - 1}`;
      if (decoded === undefined) expect([i, found]).toEqual([i, expect.arrayContaining([unreadable])]);
      else expect([i, firstNamed(found)]).toEqual([i, 256 + differing(entries, decoded)[0]!]);
    });
  });

  it('of their hashes: the entry is named, and said to be right', async () => {
    await flipEach('tail', 'hashes', (i, _, found) => {
      expect([i, found]).toEqual([i, [`billing tiles modified ${256 + Math.floor(i / 32)}`]]);
    });
  });
});
