import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Catalog, type CatalogedSegment } from './catalog.ts';
import type { OpenSegment } from './open-segment.ts';
import { removeSegment, SealedSegment, sealSegment } from './sealed-segment.ts';
import { trailRanges } from './segment.ts';

/** Segment files kept open at a time. */
const maxOpenFiles = 256;

const fileName = /^seg-(\d{8})\.db$/;

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
   * Opens the folder. Files that the catalog does not name are left-overs of an interrupted seal and go. A catalog
   * that names a file that cannot be used, or that is of another format, means that the whole index is made again: it
   * is only derived.
   */
  static open(dir: string): SegmentList {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return SegmentList.#tryOpen(dir) ?? SegmentList.#startOver(dir);
  }

  static #tryOpen(dir: string): SegmentList | undefined {
    let catalog: Catalog | undefined;
    try {
      catalog = new Catalog(path.join(dir, 'catalog.db'));
      const entries = catalog.segments();
      const known = new Set(entries.map(({ number }) => number));
      for (const name of readdirSync(dir)) {
        const number = fileName.exec(name)?.[1];
        if (name.startsWith('seg-') && !(number && known.has(Number(number))))
          removeSegment(path.join(dir, name));
      }
      const list = new SegmentList(dir, catalog, entries);
      for (const { number } of entries) {
        if (!existsSync(list.#file(number))) throw new Error('a segment is missing');
      }
      return list;
    } catch {
      // Whatever is wrong with a derived file, making it again is the answer.
      catalog?.[Symbol.dispose]();
      return undefined;
    }
  }

  static #startOver(dir: string): SegmentList {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return new SegmentList(dir, new Catalog(path.join(dir, 'catalog.db')), []);
  }

  get all(): readonly CatalogedSegment[] {
    return this.#entries;
  }

  /** Entries of each trail that are in sealed segments. */
  cursors(): Map<string, number> {
    const cursors = new Map<string, number>();
    for (const { ranges } of this.#entries)
      for (const { trail, endIndex } of ranges) cursors.set(trail, endIndex);
    return cursors;
  }

  /** @throws when the file cannot be read */
  get({ number }: CatalogedSegment): SealedSegment {
    const known = this.#open.get(number);
    const segment = known ?? new SealedSegment(this.#file(number));
    this.#open.delete(number);
    this.#open.set(number, segment);
    for (const [other, handle] of this.#open) {
      if (this.#open.size <= maxOpenFiles) break;
      handle[Symbol.dispose]();
      this.#open.delete(other);
    }
    return segment;
  }

  /** Writes a full segment; it counts from the moment that the catalog names it. */
  async seal(segment: OpenSegment): Promise<CatalogedSegment> {
    const number = (this.#entries.at(-1)?.number ?? 0) + 1;
    await sealSegment(segment, this.#file(number));
    const entry = {
      number,
      minTimeMs: segment.minTimeMs,
      maxTimeMs: segment.maxTimeMs,
      ranges: trailRanges(segment.runs),
    };
    this.#catalog.add(entry);
    this.#entries.push(entry);
    return entry;
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
