import type { SavedWindow } from './window.ts';

/** A group that is put away. */
export interface StoredGroup {
  readonly key: string;
  readonly window: SavedWindow;
  /** From when on nothing of it matters any more, as of the watermark (of `silence`: of receipts). */
  readonly untilMs: number;
}

/**
 * Takes groups of correlations that are too many to be held in memory. It is asked in the middle of an event, so all of it is
 * synchronous. Nothing in it has to outlast the process, and it is empty at first: what a detector has to keep is in its
 * changes. One detector has one of its own.
 */
export interface GroupStore {
  /** Takes a group out; undefined when it is not there. */
  take(rule: string, key: string): SavedWindow | undefined;
  /** A group that stays where it is. */
  peek(rule: string, key: string): SavedWindow | undefined;
  /** Puts groups away, none of which is there. */
  put(rule: string, groups: readonly StoredGroup[]): void;
  /** Lets go of some groups of which nothing matters at a time, at most `limit`, and says which. */
  dropUntil(rule: string, timeMs: number, limit: number): readonly string[];
}

/** When groups are put away. */
export interface Spill {
  readonly store: GroupStore;
  /** Groups that a correlation holds in memory. Those that have an episode are held beyond it. */
  readonly maxGroups: number;
}
