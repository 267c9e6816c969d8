import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fieldOf } from '@sealtrail/core';
import Database from 'better-sqlite3';
import type { OpenSegment } from './open-segment.ts';
import { encodePostings } from './postings.ts';
import { segmentSchema } from './sealed-segment.ts';
import { rolledUpFields } from './segment.ts';
import { fieldCode, isCutTerm } from './terms.ts';

const minuteMs = 60_000;
/** Rows written between two turns of the event loop: a few milliseconds of work. */
const rowsPerSlice = 2000;

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
    await writeSegment(segment, temporary);
    syncFile(temporary);
    renameSync(temporary, file);
  } catch (error) {
    // A full disk stays full as long as half a file lies on it.
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFile(path.dirname(file));
  return statSync(file).size;
}

async function writeSegment(segment: OpenSegment, file: string): Promise<void> {
  const db = new Database(file);
  try {
    // Nobody reads the file before it is whole, and one sync at the end makes it durable.
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    db.pragma('cache_size = -65536');
    db.exec(segmentSchema);
    db.exec('BEGIN');
    const insert = db.prepare('INSERT INTO term (term, count, entries) VALUES (?, ?, ?)');
    let rows = 0;
    for (const [code, terms] of segment.termGroups()) {
      // Nearly the order of SQLite (UTF-16 units, not UTF-8 bytes), so that the tree grows at its end.
      for (const value of [...terms.keys()].sort()) {
        const entries = terms.get(value)!;
        insert.run(code + value, entries.length, encodePostings(entries));
        if (++rows % rowsPerSlice === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    writeColumns(db, segment);
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}

function writeColumns(db: Database.Database, segment: OpenSegment): void {
  const run = db.prepare('INSERT INTO run (first, trail, idx, count) VALUES (?, ?, ?, ?)');
  for (const { first, trail, index, count } of segment.runs) run.run(first, trail, index, count);
  const times = db.prepare('INSERT INTO times (name, data) VALUES (?, ?)');
  for (const column of ['time', 'receivedAt'] as const)
    times.run(column, new Uint8Array(segment.times(column).slice().buffer));
  const insert = db.prepare('INSERT INTO rollup (trail, field, value, minute, count) VALUES (?, ?, ?, ?, ?)');
  const minutes = Array.from(segment.times('time'), (ms) => Math.floor(ms / minuteMs));
  const trails = segment.runs.flatMap(({ trail, count }) => Array<string>(count).fill(trail));
  const add = (field: string, value: string, entries: Iterable<number>): void => {
    for (const [trail, counts] of countByMinute(entries, trails, minutes))
      for (const [minute, count] of counts) insert.run(trail, field, value, minute, count);
  };
  add('', '', trails.keys());
  const fieldOfCode = new Map(rolledUpFields.map((name) => [fieldCode(fieldOf(name)), name]));
  for (const [code, terms] of segment.termGroups()) {
    const field = fieldOfCode.get(code);
    if (field === undefined) continue;
    for (const [value, entries] of terms) if (!isCutTerm(value)) add(field, value, entries);
  }
}

/** Number of entries by trail and minute. */
function countByMinute(
  entries: Iterable<number>,
  trails: readonly string[],
  minutes: readonly number[],
): Map<string, Map<number, number>> {
  const byTrail = new Map<string, Map<number, number>>();
  for (const entry of entries) {
    let counts = byTrail.get(trails[entry]!);
    if (!counts) {
      counts = new Map();
      byTrail.set(trails[entry]!, counts);
    }
    counts.set(minutes[entry]!, (counts.get(minutes[entry]!) ?? 0) + 1);
  }
  return byTrail;
}

function syncFile(file: string): void {
  const fd = openSync(file, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
