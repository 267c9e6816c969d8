import { type StoreFault, TILE_WIDTH } from '@sealtrail/core';
import type Database from 'better-sqlite3';

const ID_BYTES = 16;

/** How many of `count` ids lead to the indexes from `first` on: one statement for a block, not one for an entry. */
const countMatches = `
WITH RECURSIVE entry(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM entry WHERE i + 1 < @count)
SELECT count(*) FROM entry CROSS JOIN entry_id AS stored
  ON stored.trail = @trail AND stored.id = substr(@ids, i * ${ID_BYTES} + 1, ${ID_BYTES}) AND stored.idx = @first + i`;

/**
 * Holds the table of event ids against the entries: each entry's id leads to the entry, and nothing else is in the
 * table. Takes the ids as entries are read, a block at a time, so that memory does not grow with the trail.
 */
export class EntryIdEvidence {
  readonly #trail: number;
  readonly #matches: Database.Statement;
  readonly #indexOf: Database.Statement;
  readonly #rows: Database.Statement;
  readonly #ids: Buffer = Buffer.alloc(ID_BYTES * TILE_WIDTH);
  #first = 0;
  #count = 0;
  #noted = 0;
  #misled = 0;
  #firstMisled: number | undefined;
  #lastMisled = 0;
  #error: unknown;

  constructor(db: Database.Database, trail: number) {
    this.#trail = trail;
    this.#matches = db.prepare(countMatches).pluck();
    this.#indexOf = db.prepare('SELECT idx FROM entry_id WHERE trail = ? AND id = ?').pluck();
    this.#rows = db.prepare('SELECT count(*) FROM entry_id WHERE trail = ?').pluck();
  }

  /** Notes the id of an entry; false when it is none that the log ever gave. */
  note(index: number, id: string): boolean {
    if (this.#count === TILE_WIDTH || index !== this.#first + this.#count) this.#compare();
    if (this.#count === 0) this.#first = index;
    // Writing stops at what is no hexadecimal digit.
    const written = this.#ids.write(id.replaceAll('-', ''), this.#count * ID_BYTES, ID_BYTES, 'hex');
    if (written !== ID_BYTES) return false;
    this.#count++;
    this.#noted++;
    return true;
  }

  /**
   * What is wrong with the table. Call it after the last entry.
   *
   * @param size entries of the trail
   */
  *faults(size: number): Generator<StoreFault, undefined> {
    this.#compare();
    if (this.#error !== undefined) throw this.#error;
    if (this.#firstMisled !== undefined)
      yield {
        check: 'store',
        code: 'modified',
        firstIndex: this.#firstMisled,
        lastIndex: this.#lastMisled,
        count: this.#misled,
        message:
          'The table of event ids does not lead from the ids of these entries to the entries: such an event would not be found, or be taken for another when it is sent again.',
        advice: 'Compare log.db with a backup, and find out who wrote to it.',
      };
    const rows = this.#rows.get(this.#trail) as number;
    // Of an entry that could not be read nobody knows whether its id is there; it has a fault of its own.
    if (rows !== size && this.#noted === size)
      yield {
        check: 'store',
        code: 'modified',
        message: `The table of event ids has ${rows} rows where the trail has ${size}: an event could be refused that was never recorded, or be recorded twice.`,
        advice: 'Compare log.db with a backup, and find out who wrote to it.',
      };
    return undefined;
  }

  /** Compares the block that has been taken. A damaged table must not look like a damaged entry: errors wait. */
  #compare(): void {
    const count = this.#count;
    this.#count = 0;
    if (count === 0 || this.#error !== undefined) return;
    try {
      const block = { trail: this.#trail, ids: this.#ids, first: this.#first, count };
      if (this.#matches.get(block) !== count) this.#findMisled(count);
    } catch (error) {
      this.#error = error;
    }
  }

  #findMisled(count: number): void {
    for (let i = 0; i < count; i++) {
      const id = this.#ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES);
      if (this.#indexOf.get(this.#trail, id) === this.#first + i) continue;
      this.#lastMisled = this.#first + i;
      this.#firstMisled ??= this.#lastMisled;
      this.#misled++;
    }
  }
}
