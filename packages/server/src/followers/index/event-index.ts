import { type Entry, SealtrailError, type Stats } from '@sealtrail/core';
import type { EventQuery, EventQueryResult, LogReader, StatsQuery } from '../../ports.ts';
import { maxSegmentEntries } from './bitmap.ts';
import { countEvents } from './count.ts';
import { FollowLoop } from './follow-loop.ts';
import { searchEvents } from './search.ts';
import { SegmentList } from './segment-list.ts';
import { Segments } from './segments.ts';

export interface EventIndexOptions {
  /** The folder of the index. */
  readonly dir: string;
  readonly log: LogReader;
  /** Entries a segment; smaller in tests. */
  readonly segmentEntries?: number;
  /** Time after which a page ends short, with a cursor to go on from; default 250 ms. */
  readonly maxQueryMs?: number;
  /** Time until what failed is tried again; default one second. */
  readonly retryMs?: number;
  /** Told, once a slice of work, how far trails are searchable. */
  readonly onIndexed?: (sizes: readonly (readonly [trail: string, size: number])[]) => void;
  /** Given the entries that were taken in, for others who follow the log. */
  readonly onEntries?: (trail: string, from: number, entries: readonly Entry[]) => void;
  /** Told of what fails while following or sealing. It is tried again until it works; meanwhile searches go on. */
  readonly onError?: (error: unknown) => void;
  /** Told when following stops because nothing can be written, and when it goes on. Searches go on over what is there. */
  readonly onHeldUp?: (isHeldUp: boolean) => void;
  /** Told when a file turns out to be damaged or gone: the index is to be closed, removed and opened anew. */
  readonly onDamage?: (error: unknown) => void;
}

/** Entries taken from one trail at a time. */
const entriesPerStep = 256;

const decoder = new TextDecoder();

/**
 * The search index: a list of segments that follows the log. The newest segment is in memory and made again from the
 * log on start; full ones are sealed into files. Nothing in it is the truth: delete it, and following gives it back.
 */
export class EventIndex implements AsyncDisposable {
  readonly #options: Required<EventIndexOptions>;
  readonly #segments: Segments;
  readonly #loop: FollowLoop;
  readonly #indexed: Map<string, number>;
  /** Trails that have advanced since it was last told. */
  readonly #advanced: Set<string> = new Set();
  readonly #waiting: Set<() => void> = new Set();
  #isHeldUp = false;
  #isClosed = false;

  private constructor(options: Required<EventIndexOptions>, sealed: SegmentList) {
    this.#options = options;
    this.#indexed = sealed.cursors();
    this.#segments = new Segments(sealed, { ...options, onError: (error) => this.#sealFailed(error) });
    this.#loop = new FollowLoop({
      ...options,
      step: (trail, size) => this.#step(trail, size),
      onSlice: () => this.#tellAdvanced(),
    });
  }

  /**
   * Opens the index and begins to follow. An index that is damaged, of another format or ahead of the log is made again.
   *
   * @throws when the folder cannot be written
   */
  static open(options: EventIndexOptions): EventIndex {
    const trails = options.log.trails();
    const sizes = new Map(trails.map(({ name, size }) => [name, size]));
    const sealed = SegmentList.open(options.dir, (cursors) =>
      [...cursors].every(([trail, cursor]) => cursor <= (sizes.get(trail) ?? 0)),
    );
    const index = new EventIndex(
      {
        segmentEntries: maxSegmentEntries,
        maxQueryMs: 250,
        retryMs: 1000,
        onIndexed: () => {},
        onEntries: () => {},
        onError: () => {},
        onHeldUp: () => {},
        onDamage: () => {},
        ...options,
      },
      sealed,
    );
    for (const { name, size } of trails) index.grew(name, size);
    return index;
  }

  /** Removes all that is in the folder of an index; the folder stays, since it may be a link to another disk. */
  static remove(dir: string): void {
    SegmentList.remove(dir);
  }

  /** Entries that are searchable, by trail. */
  get indexedSizes(): ReadonlyMap<string, number> {
    return this.#indexed;
  }

  /** Entries of a trail that are searchable. */
  indexedSize(trail: string): number {
    return this.#indexed.get(trail) ?? 0;
  }

  /** Says that a trail has grown to a size. Trails that do not grow cost nothing. */
  grew(trail: string, size: number): void {
    if (size > this.indexedSize(trail)) this.#loop.grew(trail, size);
  }

  /**
   * Resolves when everything that was said to be there is searchable.
   *
   * @throws the first error that happens meanwhile; following goes on all the same
   */
  caughtUp(): Promise<void> {
    return this.#loop.done();
  }

  /**
   * Resolves when the entry with this index is searchable.
   *
   * @throws SealtrailError trail_not_found, or index_behind when it takes longer than the time given
   */
  async waitFor(trail: string, index: number, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.#sizeOf(trail) <= index) {
      const left = deadline - performance.now();
      if (left <= 0 || this.#isClosed) {
        throw new SealtrailError(
          'index_behind',
          `entry ${index} is not searchable yet; the index holds ${this.indexedSize(trail)} entries`,
        );
      }
      await this.#nextAdvance(left);
    }
  }

  /** @throws SealtrailError trail_not_found | invalid_cursor | index_unavailable */
  query(query: EventQuery): EventQueryResult {
    const size = this.#sizeOf(query.trail);
    return this.#reading(() =>
      searchEvents(this.#segments.newestFirst(), this.#options.log, query, {
        indexedSize: size,
        maxMs: this.#options.maxQueryMs,
      }),
    );
  }

  /** @throws SealtrailError trail_not_found | invalid_parameter | index_unavailable */
  stats(query: StatsQuery): Stats {
    const size = this.#sizeOf(query.trail);
    return this.#reading(() => countEvents(this.#segments.newestFirst(), this.#options.log, query, size));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#wakeWaiting();
    // Both at once: a step may wait for room, which comes with the end of a seal.
    await Promise.all([this.#loop[Symbol.asyncDispose](), this.#segments[Symbol.asyncDispose]()]);
  }

  /** Entries that are searchable of a trail that exists. */
  #sizeOf(trail: string): number {
    const size = this.indexedSize(trail);
    if (size === 0) this.#options.log.size(trail);
    return size;
  }

  /** Indexes up to the end of a bundle or segment; true when there is more. */
  async #step(trail: string, size: number): Promise<boolean> {
    const from = this.indexedSize(trail);
    const to = Math.min(size, from + this.#segments.room, from - (from % entriesPerStep) + entriesPerStep);
    const entries = this.#options.log
      .entries(trail, from, to)
      .map((bytes) => JSON.parse(decoder.decode(bytes)) as Entry);
    for (const [i, entry] of entries.entries()) this.#segments.add(trail, from + i, entry);
    const end = from + entries.length;
    this.#indexed.set(trail, end);
    this.#options.onEntries(trail, from, entries);
    this.#advanced.add(trail);
    if (this.#segments.isFull) {
      // What is in memory is searchable, however long it takes until there is room.
      this.#tellAdvanced();
      this.#tellHeldUp();
      await this.#segments.hasRoom();
      this.#tellHeldUp();
    }
    // A log that does not hold what was announced says so when it grows again.
    return end === to && end < size;
  }

  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      // What reading the log may throw is not about the index.
      const isOwn = error instanceof SealtrailError && error.code === 'index_unavailable';
      if (isOwn && this.#segments.isDamage(error)) this.#options.onDamage(error);
      throw error;
    }
  }

  #sealFailed(error: unknown): void {
    this.#loop.report(error);
    this.#tellHeldUp();
    if (this.#segments.isDamage(error)) this.#options.onDamage(error);
  }

  #tellHeldUp(): void {
    const { isStuck } = this.#segments;
    if (isStuck === this.#isHeldUp) return;
    this.#isHeldUp = isStuck;
    this.#options.onHeldUp(isStuck);
  }

  #tellAdvanced(): void {
    if (this.#advanced.size > 0)
      this.#options.onIndexed([...this.#advanced].map((trail) => [trail, this.indexedSize(trail)]));
    this.#advanced.clear();
    this.#wakeWaiting();
  }

  #nextAdvance(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#waiting.add(wake);
    });
  }

  #wakeWaiting(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
