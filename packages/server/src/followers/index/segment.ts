import type { Bitmap } from './bitmap.ts';
import type { NumberColumn } from './numbers.ts';

/** Part of a trail that a segment holds. A segment holds one part of a trail, in rising order. */
export interface TrailRange {
  readonly trail: string;
  readonly firstIndex: number;
  /** One past the last. */
  readonly endIndex: number;
}

/** The entries of one term. */
export interface TermPostings {
  readonly count: number;
  addTo(into: Bitmap): void;
  countIn(within: Bitmap): number;
}

/** Sees one term of a code: its value, or the form of one that was too long to be kept (see terms.ts). */
export type TermVisitor = (value: string, postings: TermPostings) => void;

/** What is known of the values that are looked for. */
export interface ValueShape {
  readonly prefix?: string;
  /** What the whole value contains. */
  readonly part?: string;
}

/**
 * A part of the index: up to 65,536 entries of any trails, numbered in the order of their arrival. In memory or sealed.
 */
export interface Segment {
  readonly entryCount: number;
  readonly ranges: ReadonlyMap<string, TrailRange>;
  /** Smallest and largest `time`, in milliseconds. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** The entries of a trail, as a new set. */
  entriesOf(trail: string): Bitmap;
  /** Adds the entries of a term to a set; `value` in full. */
  addTerm(into: Bitmap, code: string, value: string): void;
  /** Calls `visit` for every term of a code, at least for those whose value is of a shape. */
  forEachTerm(code: string, shape: ValueShape, visit: TermVisitor): void;
  /** Number of terms of a code. */
  termCount(code: string): number;
  /** Adds the entries that may have a value in a field of unique values. */
  addUnique(into: Bitmap, code: string, value: string): void;
  /** The numbers of a code, or undefined when there are none. */
  numbers(code: string): NumberColumn | undefined;
  /** `time` or `receivedAt` of each entry, in milliseconds. */
  times(column: TimeColumn): NumberColumn;
  /** The code of a metadata path, or undefined when no entry has it. */
  pathCode(path: string): string | undefined;
  /** Counts by minute, or undefined where they have to be counted. */
  rollUp(trail: string, field: RolledUpField | '', value: string): MinuteCounts | undefined;
  /** The values of a field that has counts by minute in a trail. */
  rolledUpValues(trail: string, field: RolledUpField): readonly string[] | undefined;
}

export type TimeColumn = 'time' | 'receivedAt';

/** Fields whose values are counted by minute when a segment is sealed. */
export const rolledUpFields = ['action', 'category', 'outcome', 'severity'] as const;
export type RolledUpField = (typeof rolledUpFields)[number];

export const minuteMs = 60_000;

/** Pairs of a minute since 1970 and the number of entries whose `time` is in it, rising. */
export type MinuteCounts = Uint32Array;
