import { renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { HashColumn } from './hashes.ts';
import type { OpenSegment } from './open-segment.ts';
import { rollUpsOf } from './roll-ups.ts';
import { segmentSchema } from './sealed-segment.ts';
import { blockKey, encodeBlocks } from './term-blocks.ts';

/** Time for writing between two turns of the event loop. */
const sliceMs = 4;

/**
 * Writes a full segment to its file, in slices between which others run. The file appears under its name complete and
 * durable, or not at all. What fails leaves nothing behind, and can be done again.
 *
 * @returns the size of the file in bytes
 */
export async function sealSegment(segment: OpenSegment, file: string): Promise<number> {
  const temporary = `${file}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  try {
    let sliceEnd = performance.now() + sliceMs;
    for (const _step of writeSegment(segment, temporary)) {
      if (performance.now() < sliceEnd) continue;
      await nextTurn();
      sliceEnd = performance.now() + sliceMs;
    }
    await sync(temporary);
    renameSync(temporary, file);
  } catch (error) {
    // A full disk stays full as long as half a file lies on it.
    rmSync(temporary, { force: true });
    throw error;
  }
  await sync(path.dirname(file));
  return statSync(file).size;
}

/** Writes a segment, a step at a time. */
function* writeSegment(segment: OpenSegment, file: string): Generator<void, void> {
  const db = new Database(file);
  try {
    // Nobody reads the file before it is whole, and one sync at the end makes it durable.
    db.pragma('page_size = 8192');
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('cache_size = -8192');
    db.exec(segmentSchema);
    db.exec('BEGIN');
    yield* writeTerms(db, segment);
    yield* writeColumns(db, segment);
    yield* writeRollUps(db, segment);
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}

function* writeTerms(db: Database.Database, segment: OpenSegment): Generator<void> {
  const insertBlock = db.prepare('INSERT INTO block (code, first, data) VALUES (?, ?, ?)');
  const insertEntries = db.prepare('INSERT INTO entries (data) VALUES (?)');
  const insertCode = db.prepare('INSERT INTO code (code, terms) VALUES (?, ?)');
  const store = (entries: Uint8Array): number => Number(insertEntries.run(entries).lastInsertRowid);
  for (const code of segment.termCodes()) {
    const terms: (readonly [string, number])[] = [];
    for (const term of segment.termsOf(code)) if (terms.push(term) % runLength === 0) yield;
    for (const { first, data } of encodeBlocks(yield* sorted(terms), segment.arena, store)) {
      insertBlock.run(code, blockKey(first), data);
      yield;
    }
    insertCode.run(code, terms.length);
  }
}

function* writeColumns(db: Database.Database, segment: OpenSegment): Generator<void> {
  const insertTrail = db.prepare('INSERT INTO trail (trail, entries) VALUES (?, ?)');
  for (const [trail, term] of segment.trails) {
    insertTrail.run(trail, segment.arena.stored(term));
    yield;
  }
  const insertPath = db.prepare('INSERT INTO path (path, code) VALUES (?, ?)');
  for (const [name, code] of segment.paths) {
    insertPath.run(Buffer.from(name), code);
    yield;
  }
  const insertNumbers = db.prepare('INSERT INTO number (code, data) VALUES (?, ?)');
  for (const column of ['time', 'receivedAt'] as const)
    insertNumbers.run(column, segment.times(column).toBytes());
  const insertHashes = db.prepare('INSERT INTO hash (code, bucket, data) VALUES (?, ?, ?)');
  for (const [code, column] of segment.columns()) {
    yield;
    if (column instanceof HashColumn)
      for (const [bucket, data] of column.buckets()) insertHashes.run(code, bucket, data);
    else insertNumbers.run(code, column.toBytes());
  }
}

function* writeRollUps(db: Database.Database, segment: OpenSegment): Generator<void> {
  const insert = db.prepare('INSERT INTO rollup (trail, field, value, minutes) VALUES (?, ?, ?, ?)');
  for (const { trail, field, value, minutes } of rollUpsOf(segment)) {
    insert.run(trail, field, value, new Uint8Array(minutes.buffer));
    yield;
  }
}

const runLength = 1024;

/** Merge sort with a pause now and then: sorting at once would hold everything up for too long. */
function* sorted<T>(
  items: readonly (readonly [string, T])[],
): Generator<void, readonly (readonly [string, T])[]> {
  let runs: (readonly (readonly [string, T])[])[] = [];
  for (let i = 0; i < items.length; i += runLength) {
    runs.push(items.slice(i, i + runLength).sort(([a], [b]) => (a < b ? -1 : 1)));
    yield;
  }
  while (runs.length > 1) {
    const merged: (readonly (readonly [string, T])[])[] = [];
    for (let i = 0; i < runs.length; i += 2)
      merged.push(i + 1 < runs.length ? yield* merge(runs[i]!, runs[i + 1]!) : runs[i]!);
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merge<T>(
  a: readonly (readonly [string, T])[],
  b: readonly (readonly [string, T])[],
): Generator<void, readonly (readonly [string, T])[]> {
  const merged: (readonly [string, T])[] = [];
  let j = 0;
  for (const item of a) {
    while (j < b.length && b[j]![0] < item[0]) merged.push(b[j++]!);
    merged.push(item);
    if (merged.length % runLength === 0) yield;
  }
  while (j < b.length) merged.push(b[j++]!);
  return merged;
}

async function sync(file: string): Promise<void> {
  await using handle = await open(file, 'r');
  await handle.sync();
}
