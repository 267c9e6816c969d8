import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fieldOf } from '@sealtrail/core';
import Database from 'better-sqlite3';
import type { Bitmap } from './bitmap.ts';
import type { OpenSegment } from './open-segment.ts';
import { addPostings, countPostings, encodePostings } from './postings.ts';
import {
  type RollUpRow,
  type Run,
  rolledUpFields,
  type Segment,
  type TermPostings,
  type TimeColumn,
} from './segment.ts';
import { fieldCode, isCutTerm } from './terms.ts';

const schema = `
CREATE TABLE term (term TEXT PRIMARY KEY, count INTEGER NOT NULL, entries BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE run (first INTEGER PRIMARY KEY, trail TEXT NOT NULL, idx INTEGER NOT NULL, count INTEGER NOT NULL) STRICT;
CREATE TABLE times (name TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE rollup (trail TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, minute INTEGER NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (trail, field, value, minute)) STRICT, WITHOUT ROWID;
`;

const minuteMs = 60_000;
/** Rows written between two turns of the event loop: a few milliseconds of work. */
const rowsPerSlice = 2000;

/** A sealed part of the index: one SQLite file that never changes. */
export class SealedSegment implements Segment, Disposable {
  readonly entryCount: number;
  readonly runs: readonly Run[];
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly #db: Database.Database;
  readonly #term: Database.Statement;
  readonly #range: Database.Statement;
  readonly #rollUps: Database.Statement<[string, string, string], { minute: number; count: number }>;

  /** @throws when the file is missing or is no segment */
  constructor(file: string) {
    this.#db = new Database(file, { readonly: true, fileMustExist: true });
    try {
      this.#db.pragma('cache_size = -2048');
      this.runs = this.#db
        .prepare<[], Run>('SELECT first, trail, idx AS "index", count FROM run ORDER BY first')
        .all();
      this.entryCount = this.runs.reduce((sum, run) => sum + run.count, 0);
      const times = this.times('time');
      this.minTimeMs = times.reduce((min, ms) => Math.min(min, ms), Number.POSITIVE_INFINITY);
      this.maxTimeMs = times.reduce((max, ms) => Math.max(max, ms), Number.NEGATIVE_INFINITY);
      this.#term = this.#db.prepare('SELECT count, entries FROM term WHERE term = ?').raw();
      this.#range = this.#db
        .prepare('SELECT term, count, entries FROM term WHERE term >= ? AND term < ? ORDER BY term')
        .raw();
      this.#rollUps = this.#db.prepare(
        'SELECT minute, count FROM rollup WHERE trail = ? AND field = ? AND value = ?',
      );
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  addTerm(into: Bitmap, term: string): void {
    const row = this.#term.get(term) as [number, Uint8Array] | undefined;
    if (row) addPostings(into, row[0], row[1]);
  }

  forEachTerm(prefix: string, visit: (value: string, count: number, postings: TermPostings) => void): void {
    // SQLite compares the UTF-8 bytes: U+10FFFF comes after every character that a term can have.
    for (const [term, count, entries] of this.#range.iterate(prefix, `${prefix}\u{10ffff}`) as Iterable<
      [string, number, Uint8Array]
    >) {
      visit(term.slice(1), count, {
        addTo: (into) => addPostings(into, count, entries),
        countIn: (within) => countPostings(within, count, entries),
      });
    }
  }

  times(column: TimeColumn): Float64Array {
    const data = this.#db.prepare('SELECT data FROM times WHERE name = ?').pluck().get(column) as Uint8Array;
    return new Float64Array(Uint8Array.from(data).buffer);
  }

  *rollUps(trail: string, field: string, value: string): Iterable<RollUpRow> {
    for (const { minute, count } of this.#rollUps.iterate(trail, field, value))
      yield { trail, field, value, minute, count };
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

/**
 * Writes a full segment to its file, in slices between which others run. The file appears under its name complete and
 * durable, or not at all.
 */
export async function sealSegment(segment: OpenSegment, file: string): Promise<void> {
  const temporary = `${file}.tmp`;
  removeSegment(temporary);
  const db = new Database(temporary);
  try {
    // Nobody reads the file before it is whole, and one sync at the end makes it durable.
    db.pragma('journal_mode = OFF');
    db.pragma('synchronous = OFF');
    db.pragma('cache_size = -65536');
    db.exec(schema);
    db.exec('BEGIN');
    const insert = db.prepare('INSERT INTO term (term, count, entries) VALUES (?, ?, ?)');
    let rows = 0;
    for (const [code, terms] of segment.termGroups()) {
      // In order of their bytes, so that the tree grows at its end only.
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
  syncFile(temporary);
  renameSync(temporary, file);
  syncFile(path.dirname(file));
}

/** Removes a segment's file and what an interrupted write may have left beside it. */
export function removeSegment(file: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(file + suffix, { force: true });
}

function writeColumns(db: Database.Database, segment: OpenSegment): void {
  const run = db.prepare('INSERT INTO run (first, trail, idx, count) VALUES (?, ?, ?, ?)');
  for (const { first, trail, index, count } of segment.runs) run.run(first, trail, index, count);
  const times = db.prepare('INSERT INTO times (name, data) VALUES (?, ?)');
  for (const column of ['time', 'receivedAt'] as const)
    times.run(column, new Uint8Array(segment.times(column).slice().buffer));
  const rollUp = db.prepare('INSERT INTO rollup (trail, field, value, minute, count) VALUES (?, ?, ?, ?, ?)');
  for (const { trail, field, value, minute, count } of rollUpRows(segment))
    rollUp.run(trail, field, value, minute, count);
}

function* rollUpRows(segment: OpenSegment): Generator<RollUpRow> {
  const minutes = Array.from(segment.times('time'), (ms) => Math.floor(ms / minuteMs));
  const trailOf: string[] = [];
  for (const { trail, count } of segment.runs) for (let i = 0; i < count; i++) trailOf.push(trail);
  const countOf = (entries: Iterable<number>): Map<string, Map<number, number>> => {
    const trails = new Map<string, Map<number, number>>();
    for (const entry of entries) {
      let counts = trails.get(trailOf[entry]!);
      if (!counts) {
        counts = new Map();
        trails.set(trailOf[entry]!, counts);
      }
      counts.set(minutes[entry]!, (counts.get(minutes[entry]!) ?? 0) + 1);
    }
    return trails;
  };
  const rows = function* (field: string, value: string, entries: Iterable<number>): Generator<RollUpRow> {
    for (const [trail, counts] of countOf(entries))
      for (const [minute, count] of counts) yield { trail, field, value, minute, count };
  };
  yield* rows('', '', trailOf.keys());
  const codes = new Map(rolledUpFields.map((name) => [fieldCode(fieldOf(name)), name]));
  for (const [code, terms] of segment.termGroups()) {
    const field = codes.get(code);
    if (field === undefined) continue;
    for (const [value, entries] of terms) if (!isCutTerm(value)) yield* rows(field, value, entries);
  }
}

function syncFile(file: string): void {
  const fd = openSync(file, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
