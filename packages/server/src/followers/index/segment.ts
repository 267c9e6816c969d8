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

/** Counts of one trail in one minute. */
export interface RollUpRow {
  readonly trail: string;
  /** Minutes since 1970 of the entries' `time`. */
  readonly minute: number;
  /** '' for all entries, or one of the rolled-up fields with its value. */
  readonly field: string;
  readonly value: string;
  readonly count: number;
}

/** Fields whose values are counted by minute when a segment is sealed. */
export const rolledUpFields: readonly string[] = ['action', 'category', 'outcome', 'severity'];

/** A part of the index: up to 65,536 entries of any trails, in the order of their arrival. In memory or sealed. */
export interface Segment {
  readonly entryCount: number;
  readonly runs: readonly Run[];
  /** Smallest and largest `time`, in milliseconds. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Adds the entries of a term to a set. */
  addTerm(into: Bitmap, term: string): void;
  /** Calls `visit` for every term with a prefix: its text after the first character, and its number of entries. */
  forEachTerm(prefix: string, visit: (value: string, count: number, postings: TermPostings) => void): void;
  /** Milliseconds since 1970, by entry number. */
  times(column: TimeColumn): Float64Array;
  /** Roll-ups of one trail, or undefined when they must be counted. */
  rollUps(trail: string, field: string, value: string): Iterable<RollUpRow> | undefined;
}

/** The entries of one term. */
export interface TermPostings {
  addTo(into: Bitmap): void;
  countIn(within: Bitmap): number;
}

/** The ranges of trails that runs make up; a trail's entries are in rising order. */
export function trailRanges(runs: readonly Run[]): TrailRange[] {
  const ranges = new Map<string, { trail: string; firstIndex: number; endIndex: number }>();
  for (const { trail, index, count } of runs) {
    const range = ranges.get(trail);
    if (range) range.endIndex = index + count;
    else ranges.set(trail, { trail, firstIndex: index, endIndex: index + count });
  }
  return [...ranges.values()];
}
