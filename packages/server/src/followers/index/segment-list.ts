import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { SealtrailError } from '@sealtrail/core';
import Database from 'better-sqlite3';
import { Catalog, type CatalogedSegment, IndexUnusable } from './catalog.ts';
import type { OpenSegment } from './open-segment.ts';
import { sealSegment } from './seal-segment.ts';
import { SealedSegment } from './sealed-segment.ts';

/** Segment files kept open at a time. */
const maxOpenFiles = 256;

/** The sealed segments in their folder, oldest first, with the catalog that says which of them count. */
export class SegmentList implements Disposable {
  readonly #dir: string;
  readonly #catalog: Catalog;
  readonly #entries: CatalogedSegment[];
  /** In order of last use. */
  readonly #open: Map<number, SealedSegment> = new Map();

  private constructor(dir: string, catalog: Catalog, entries: CatalogedSegment[]) {
    this.#dir = dir;
    this.#catalog = catalog;
    this.#entries = entries;
  }

  /**
   * Opens the folder. Files that the catalog does not name are left-overs of an interrupted seal and go. When what the
   * catalog says cannot be relied on, or `isOfLog` says that it is of another log, the whole index is made again: it is
   * only derived.
   *
   * @param isOfLog judges how many entries of each trail are indexed
   * @throws when the disk is full or files cannot be opened: that is no reason to start over
   */
  static open(dir: string, isOfLog: (cursors: ReadonlyMap<string, number>) => boolean): SegmentList {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    try {
      return SegmentList.#opened(dir, isOfLog);
    } catch (error) {
      if (!isDamage(error)) throw error;
      SegmentList.remove(dir);
      return new SegmentList(dir, new Catalog(catalogOf(dir)), []);
    }
  }

  /** Removes what is in the folder, which may itself be a link to another disk. */
  static remove(dir: string): void {
    if (!existsSync(dir)) return;
    for (const name of readdirSync(dir)) rmSync(path.join(dir, name), { recursive: true, force: true });
  }

  static #opened(dir: string, isOfLog: (cursors: ReadonlyMap<string, number>) => boolean): SegmentList {
    const catalog = new Catalog(catalogOf(dir));
    try {
      const list = new SegmentList(dir, catalog, catalog.segments());
      const cursors = new Map<string, number>();
      for (const { number, bytes, ranges } of list.all) {
        for (const { trail, firstIndex, endIndex } of ranges.values()) {
          if (firstIndex !== (cursors.get(trail) ?? 0)) throw new IndexUnusable('a part is missing');
          cursors.set(trail, endIndex);
        }
        if (statSync(list.#file(number), { throwIfNoEntry: false })?.size !== bytes)
          throw new IndexUnusable('a segment is missing or cut short');
      }
      if (!isOfLog(cursors)) throw new IndexUnusable('the log is not the one that was indexed');
      list.#removeLeftOvers();
      return list;
    } catch (error) {
      catalog[Symbol.dispose]();
      throw error;
    }
  }

  #removeLeftOvers(): void {
    const known = new Set(this.#entries.map(({ number }) => path.basename(this.#file(number))));
    for (const name of readdirSync(this.#dir)) {
      if (name.startsWith('seg-') && !known.has(name))
        rmSync(path.join(this.#dir, name), { recursive: true });
    }
  }

  get all(): readonly CatalogedSegment[] {
    return this.#entries;
  }

  /** Entries of each trail that are in sealed segments. */
  cursors(): Map<string, number> {
    const cursors = new Map<string, number>();
    for (const { ranges } of this.#entries)
      for (const { trail, endIndex } of ranges.values()) cursors.set(trail, endIndex);
    return cursors;
  }

  /** Whether an error says that the files are not what was written, or are gone. */
  isDamage(error: unknown): boolean {
    return isDamage(error) || !existsSync(catalogOf(this.#dir));
  }

  /** @throws SealtrailError index_unavailable when the file cannot be read */
  get(entry: CatalogedSegment): SealedSegment {
    const { number } = entry;
    const known = this.#open.get(number);
    const segment = known ?? new SealedSegment(this.#file(number), entry);
    this.#open.delete(number);
    this.#open.set(number, segment);
    for (const [other, handle] of this.#open) {
      if (this.#open.size <= maxOpenFiles) break;
      handle[Symbol.dispose]();
      this.#open.delete(other);
    }
    return segment;
  }

  /** Writes a full segment to a file, which does not count yet. */
  async write(segment: OpenSegment): Promise<CatalogedSegment> {
    const number = (this.#entries.at(-1)?.number ?? 0) + 1;
    const bytes = await sealSegment(segment, this.#file(number));
    const { minTimeMs, maxTimeMs, ranges } = segment;
    return { number, bytes, minTimeMs, maxTimeMs, ranges };
  }

  /** Makes a written segment count: durable when it returns. */
  add(segment: CatalogedSegment): void {
    this.#catalog.add(segment);
    this.#entries.push(segment);
  }

  [Symbol.dispose](): void {
    for (const segment of this.#open.values()) segment[Symbol.dispose]();
    this.#open.clear();
    this.#catalog[Symbol.dispose]();
  }

  #file(number: number): string {
    return path.join(this.#dir, `seg-${String(number).padStart(8, '0')}.db`);
  }
}

const catalogOf = (dir: string): string => path.join(dir, 'catalog.db');

/** True when an index cannot be used as it is, for whatever it holds; a full disk or a missing right are no damage. */
function isDamage(error: unknown): boolean {
  if (error instanceof IndexUnusable) return true;
  if (error instanceof SealtrailError) return error.code === 'index_unavailable' && isDamage(error.cause);
  return (
    error instanceof Database.SqliteError &&
    /^SQLITE_(?:CORRUPT|NOTADB|ERROR|MISMATCH|CONSTRAINT)/.test(error.code)
  );
}
