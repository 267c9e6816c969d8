import type { Episode, Occurrence, SavedEpisode } from './episode.ts';

/**
 * What a correlation knows of one group. A window slides: at a time t it holds what happened in (t - span, t]. The
 * condition is a function of all times, not only of those at which something happens: it ceases to hold in the moment in
 * which the event leaves the window without which it does not.
 *
 * There can be a million of them: what is the same for all groups of a correlation is in one object that they share.
 */
export abstract class Window {
  /** Of the group. */
  readonly key: string;
  /** When it will be looked at next; infinite when it will not. Kept here for whoever does so. */
  scheduledMs: number = Number.POSITIVE_INFINITY;

  constructor(key: string) {
    this.key = key;
  }

  /** When something changes if nothing more comes: then `forget` tells of it. Infinite when nothing will. */
  abstract get dueMs(): number;
  /** Episodes that late events can still change. */
  abstract get episodes(): readonly Episode[];
  /** Takes an occurrence that is behind the watermark; in which order they come is one to the outcome. */
  abstract add(occurrence: Occurrence, watermarkMs: number): void;
  /**
   * Learns of an occurrence that will be added later, in its order, where something can be told of it at once. The window is
   * as of the watermark. Only for windows whose plan says so.
   */
  foresee?(occurrence: Occurrence, watermarkMs: number): void;
  /** Lets go of what cannot matter any more: nothing comes at or before this time. True when nothing is left. */
  abstract forget(watermarkMs: number): boolean;
  /** What it knows, as JSON. It shares nothing with the window. */
  abstract save(): SavedWindow;
}

/** Of what is kept of windows: raised whenever that changes, so that what is of another form is not taken for this one. */
export const savedForm = 2;

/** A window at rest. */
export interface SavedWindow {
  readonly episodes: readonly SavedEpisode[];
  /** As the kind of window wants it. */
  readonly held: readonly unknown[];
}
