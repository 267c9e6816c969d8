import { type Entry, SealtrailError, type Stats } from '@sealtrail/core';
import type { EventQuery, EventQueryResult, LogReader, StatsQuery } from '../../ports.ts';
import { maxSegmentEntries } from './bitmap.ts';
import { countEvents } from './count.ts';
import { OpenSegment } from './open-segment.ts';
import { searchEvents } from './search.ts';
import { type Segment, type TrailRange, trailRanges } from './segment.ts';
import { SegmentList } from './segment-list.ts';

export interface EventIndexOptions {
  /** The folder of the index. */
  readonly dir: string;
  readonly log: LogReader;
  /** Entries a segment; smaller in tests. */
  readonly segmentEntries?: number;
  /** Told, once a slice of work, how far trails are searchable. */
  readonly onIndexed?: (sizes: readonly (readonly [trail: string, size: number])[]) => void;
}

/** A segment with what is known of it without opening it. */
export interface IndexPart {
  readonly ranges: readonly TrailRange[];
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  open(): Segment;
}

/** Entries taken from one trail at a time. */
const entriesPerStep = 256;
/** Time for following between two turns of the event loop, so that queries do not wait for it. */
const sliceMs = 8;
/** Full segments that wait to be written: beyond it following pauses, which bounds memory. */
const maxSealing = 2;

const text = new TextDecoder();

/**
 * The search index: a list of segments that follows the log. The newest segment is in memory and made again from the
 * log on start; full ones are sealed into files. Nothing in it is the truth: delete it, and following gives it back.
 */
export class EventIndex implements AsyncDisposable {
  readonly #options: Required<EventIndexOptions>;
  readonly #sealed: SegmentList;
  /** Full segments on their way to a file, oldest first. */
  readonly #sealing: OpenSegment[] = [];
  readonly #indexed: Map<string, number>;
  readonly #behind: Map<string, number> = new Map();
  readonly #waiting: Set<() => void> = new Set();
  /** Trails that have advanced since it was last told. */
  readonly #advanced: Set<string> = new Set();
  #open: OpenSegment;
  #following: Promise<void> | undefined;
  #sealLoop: Promise<void> | undefined;
  #isClosed = false;

  private constructor(options: Required<EventIndexOptions>, sealed: SegmentList) {
    this.#options = options;
    this.#sealed = sealed;
    this.#indexed = sealed.cursors();
    this.#open = new OpenSegment(options.segmentEntries);
  }

  /** Opens the index and begins to follow. */
  static open(options: EventIndexOptions): EventIndex {
    const index = new EventIndex(
      { segmentEntries: maxSegmentEntries, onIndexed: () => {}, ...options },
      SegmentList.open(options.dir),
    );
    for (const { name, size } of options.log.trails()) index.grew(name, size);
    return index;
  }

  /** Entries of a trail that are searchable. */
  indexedSize(trail: string): number {
    return this.#indexed.get(trail) ?? 0;
  }

  /** Says that a trail has grown to a size. Trails that do not grow cost nothing. */
  grew(trail: string, size: number): void {
    if (size <= this.indexedSize(trail)) return;
    this.#behind.set(trail, size);
    this.#following ??= this.#follow().finally(() => {
      this.#following = undefined;
    });
  }

  /** Resolves when everything that was said to be there is searchable. */
  async caughtUp(): Promise<void> {
    while (this.#following) await this.#following;
  }

  /**
   * Resolves when the entry with this index is searchable.
   *
   * @throws SealtrailError index_behind when that takes longer than the time given
   */
  async waitFor(trail: string, index: number, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.indexedSize(trail) <= index) {
      const left = deadline - performance.now();
      if (left <= 0 || this.#isClosed) {
        throw new SealtrailError(
          'index_behind',
          `entry ${index} is not searchable yet; the index holds ${this.indexedSize(trail)} entries`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(wake, left);
        const waiting = this.#waiting;
        function wake(): void {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        }
        waiting.add(wake);
      });
    }
  }

  query(query: EventQuery): EventQueryResult {
    return searchEvents(this.#partsNewestFirst(), this.#options.log, query, this.indexedSize(query.trail));
  }

  stats(query: StatsQuery): Stats {
    return countEvents(this.#partsNewestFirst(), this.#options.log, query, this.indexedSize(query.trail));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const wake of [...this.#waiting]) wake();
    await this.#following;
    await this.#sealLoop;
    this.#sealed[Symbol.dispose]();
  }

  #partsNewestFirst(): IndexPart[] {
    const inMemory = [...this.#sealing, this.#open].map((segment) => ({
      ranges: trailRanges(segment.runs),
      minTimeMs: segment.minTimeMs,
      maxTimeMs: segment.maxTimeMs,
      open: () => segment,
    }));
    const sealed = this.#sealed.all.map((entry) => ({ ...entry, open: () => this.#sealed.get(entry) }));
    return [...sealed, ...inMemory].reverse();
  }

  async #follow(): Promise<void> {
    let sliceEnd = performance.now() + sliceMs;
    for (
      let trail = first(this.#behind);
      trail !== undefined && !this.#isClosed;
      trail = first(this.#behind)
    ) {
      const until = this.#behind.get(trail)!;
      this.#behind.delete(trail);
      const done = this.#step(trail, until);
      // At the end of the queue, so that one busy trail does not keep the others waiting.
      if (done < until) this.#behind.set(trail, Math.max(until, this.#behind.get(trail) ?? 0));
      while (this.#sealing.length > maxSealing && !this.#isClosed) await this.#sealLoop;
      if (performance.now() >= sliceEnd) {
        this.#wakeWaiting();
        await new Promise((resolve) => setImmediate(resolve));
        sliceEnd = performance.now() + sliceMs;
      }
    }
    this.#wakeWaiting();
  }

  /** Indexes a piece of a trail; returns how far it is now. */
  #step(trail: string, until: number): number {
    const from = this.indexedSize(trail);
    const room = this.#options.segmentEntries - this.#open.entryCount;
    const to = Math.min(until, from + room, (Math.floor(from / entriesPerStep) + 1) * entriesPerStep);
    this.#options.log.entries(trail, from, to).forEach((bytes, i) => {
      this.#open.add(trail, from + i, JSON.parse(text.decode(bytes)) as Entry);
    });
    this.#indexed.set(trail, to);
    this.#advanced.add(trail);
    if (this.#open.entryCount === this.#options.segmentEntries) this.#startSealing();
    return to;
  }

  #startSealing(): void {
    this.#sealing.push(this.#open);
    this.#open = new OpenSegment(this.#options.segmentEntries);
    this.#sealLoop ??= this.#sealAll().finally(() => {
      this.#sealLoop = undefined;
    });
  }

  async #sealAll(): Promise<void> {
    for (let segment = this.#sealing[0]; segment && !this.#isClosed; segment = this.#sealing[0]) {
      await this.#sealed.seal(segment);
      this.#sealing.shift();
    }
  }

  #wakeWaiting(): void {
    this.#options.onIndexed([...this.#advanced].map((trail) => [trail, this.indexedSize(trail)]));
    this.#advanced.clear();
    for (const wake of [...this.#waiting]) wake();
  }
}

const first = (trails: ReadonlyMap<string, number>): string | undefined => trails.keys().next().value;
