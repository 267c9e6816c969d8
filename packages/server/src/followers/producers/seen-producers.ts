import type { Entry } from '@sealtrail/core';

/** One entry's sequence number. */
export interface SeenSequence {
  readonly index: number;
  readonly producer: string;
  readonly seq: number;
  readonly receivedAt: string;
}

/** What the entries [from, to) of a trail say of their producers. */
export interface SeenRange {
  readonly from: number;
  to: number;
  readonly seen: SeenSequence[];
}

/** Sequence numbers kept for one trail: about 100 bytes each. Beyond it they are read from the log. */
const maxSeen = 65_536;
/** Trails for which any are kept. */
const maxTrails = 1024;

/**
 * Sequence numbers in entries that somebody has just read and parsed, so that they need not be read from the log a second
 * time. It may forget anything: it is no source of truth.
 */
export class SeenProducers {
  readonly #ranges: Map<string, SeenRange> = new Map();

  /** Notes consecutive entries of a trail. */
  add(trail: string, from: number, entries: readonly Entry[]): void {
    const range = this.#rangeTo(trail, from);
    for (let i = 0; i < entries.length; i++) {
      const { producer, receivedAt } = entries[i]!;
      if (producer)
        range.seen.push({ index: from + i, producer: producer.id, seq: producer.seq, receivedAt });
    }
    range.to = from + entries.length;
  }

  /** Gives up and forgets what is known of the entries of a trail from an index on; undefined when that is nothing. */
  take(trail: string, from: number): SeenRange | undefined {
    const range = this.#ranges.get(trail);
    if (!range || range.from > from) return undefined;
    this.#ranges.delete(trail);
    if (range.to <= from) return undefined;
    return { from, to: range.to, seen: range.seen.filter(({ index }) => index >= from) };
  }

  /** The range that goes on at an index. */
  #rangeTo(trail: string, from: number): SeenRange {
    const known = this.#ranges.get(trail);
    if (known?.to === from && known.seen.length < maxSeen) return known;
    const range = { from, to: from, seen: [] };
    this.#ranges.set(trail, range);
    if (this.#ranges.size > maxTrails) this.#ranges.delete(this.#ranges.keys().next().value!);
    return range;
  }
}
