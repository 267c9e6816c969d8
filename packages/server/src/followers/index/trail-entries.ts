import type { Bitmap } from './bitmap.ts';
import type { Segment } from './segment.ts';

/** The entries of one trail in a segment that holds some: which index in the trail an entry has. */
export class TrailEntries {
  readonly all: Bitmap;
  readonly #firstIndex: number;
  readonly #ranks: Uint32Array;

  constructor(segment: Segment, trail: string) {
    this.all = segment.entriesOf(trail);
    this.#firstIndex = segment.ranges.get(trail)!.firstIndex;
    this.#ranks = this.all.ranks();
  }

  /** The entries of a trail are consecutive and in order: the n-th in the segment has the n-th index. */
  indexOf(entry: number): number {
    return this.#firstIndex + this.all.rank(entry, this.#ranks);
  }
}
