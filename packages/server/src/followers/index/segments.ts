import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Entry } from '@sealtrail/core';
import { OpenSegment } from './open-segment.ts';
import type { IndexPart } from './scope.ts';
import type { SegmentList } from './segment-list.ts';

/** Full segments that wait to be written: beyond it there is no room, which bounds memory. */
const maxWaiting = 2;
/** How often the time between two attempts to write a segment doubles. */
const maxDoublings = 5;

export interface SegmentsOptions {
  /** Entries a segment. */
  readonly segmentEntries: number;
  /** Time until a seal that failed is tried again; it doubles up to 32 times as long while it goes on failing. */
  readonly retryMs: number;
  /** Told of a seal that failed. The entries stay in memory, and are searched there, until it works. */
  readonly onError: (error: unknown) => void;
}

/** All segments: the newest is in memory and grows, full ones wait to be sealed, the others are files. */
export class Segments implements AsyncDisposable {
  readonly #options: SegmentsOptions;
  readonly #sealed: SegmentList;
  /** Full segments on their way to a file, oldest first. */
  readonly #waiting: OpenSegment[] = [];
  readonly #closing = new AbortController();
  #open: OpenSegment;
  #sealing: Promise<void> | undefined;
  /** Attempts to write the oldest full segment that have failed. */
  #failures = 0;
  /** Resolves when a seal has ended. */
  #progress: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(sealed: SegmentList, options: SegmentsOptions) {
    this.#options = options;
    this.#sealed = sealed;
    this.#open = new OpenSegment(options.segmentEntries);
  }

  /** Entries that fit before a segment is full. */
  get room(): number {
    return this.#options.segmentEntries - this.#open.entryCount;
  }

  /** Adds the next entry of a trail. */
  add(trail: string, index: number, entry: Entry): void {
    this.#open.add(trail, index, entry);
    if (!this.#open.isFull) return;
    this.#waiting.push(this.#open);
    this.#open = new OpenSegment(this.#options.segmentEntries);
    this.#sealing ??= this.#sealAll();
  }

  /** True when so many segments wait to be sealed that nothing should be added. */
  get isFull(): boolean {
    return this.#waiting.length > maxWaiting;
  }

  /** True while nothing can be added because nothing can be written. */
  get isStuck(): boolean {
    return this.isFull && this.#failures > 0;
  }

  /** Resolves when this is not full, or when it closes. */
  async hasRoom(): Promise<void> {
    while (this.isFull && !this.#closing.signal.aborted) await this.#progress.promise;
  }

  /** Whether an error of reading or writing says that the files are not what was written, or not there. */
  isDamage(error: unknown): boolean {
    return this.#sealed.isDamage(error);
  }

  newestFirst(): IndexPart[] {
    const inMemory = [...this.#waiting, this.#open].map((segment): IndexPart => {
      const { ranges, minTimeMs, maxTimeMs } = segment;
      return { ranges, minTimeMs, maxTimeMs, open: () => segment };
    });
    const sealed = this.#sealed.all.map((entry): IndexPart => {
      const { ranges, minTimeMs, maxTimeMs } = entry;
      return { ranges, minTimeMs, maxTimeMs, open: () => this.#sealed.get(entry) };
    });
    return [...sealed, ...inMemory].reverse();
  }

  /** A seal that has begun is finished; what is in memory only is indexed again on the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#progress.resolve();
    await this.#sealing;
    this.#sealed[Symbol.dispose]();
  }

  async #sealAll(): Promise<void> {
    await nextTurn();
    for (
      let segment = this.#waiting[0];
      segment && !this.#closing.signal.aborted;
      segment = this.#waiting[0]
    ) {
      try {
        const written = await this.#sealed.write(segment);
        // In one go, so that no search sees the entries in both places or in none.
        this.#sealed.add(written);
        this.#waiting.shift();
        this.#failures = 0;
        this.#progress.resolve();
        this.#progress = Promise.withResolvers();
      } catch (error) {
        // Each attempt writes a whole segment: a disk that stays full is not to be kept busy as well.
        const waitMs = this.#options.retryMs * 2 ** Math.min(this.#failures++, maxDoublings);
        this.#options.onError(error);
        await delay(waitMs, undefined, { signal: this.#closing.signal }).catch(() => {});
      }
    }
    // Nothing comes between the last look at what waits and this line.
    this.#sealing = undefined;
  }
}
