import type { Bitmap } from './bitmap.ts';

/** Consecutive entries of one trail within a segment. */
export interface Run {
  /** Number in the segment of the first. */
  readonly first: number;
  readonly trail: string;
  /** Index in the trail of the first. */
  readonly index: number;
  readonly count: number;
}

/** Part of a trail that a segment holds. */
export interface TrailRange {
  readonly trail: string;
  readonly firstIndex: number;
  /** One past the last. */
  readonly endIndex: number;
}

/** Columns that are not terms. */
export type TimeColumn = 'time' | 'receivedAt';

/** Entries whose `time` is in one minute. */
export interface RollUpRow {
  /** Minutes since 1970. */
  readonly minute: number;
  readonly count: number;
}

/** Fields whose values are counted by minute when a segment is sealed. */
export const rolledUpFields: readonly string[] = ['action', 'category', 'outcome', 'severity'];

/** A part of the index: up to 65,536 entries of any trails, in the order of their arrival. In memory or sealed. */
export interface Segment {
  readonly entryCount: number;
  readonly runs: readonly Run[];
  /** What the runs make up. */
  readonly ranges: readonly TrailRange[];
  /** Smallest and largest `time`, in milliseconds. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Adds the entries of a term to a set. */
  addTerm(into: Bitmap, term: string): void;
  /** Calls `visit` for every term with a prefix of at least one character, in no order. */
  forEachTerm(prefix: string, visit: (term: string, postings: TermPostings) => void): void;
  /** Milliseconds since 1970, by entry number. */
  times(column: TimeColumn): Float64Array;
  /**
   * Entries of a trail by minute: with one value of a rolled-up field, or all of them where `field` and `value` are
   * empty. Undefined when they must be counted.
   */
  rollUps(trail: string, field: string, value: string): readonly RollUpRow[] | undefined;
}

/** The entries of one term. */
export interface TermPostings {
  addTo(into: Bitmap): void;
  countIn(within: Bitmap): number;
}
