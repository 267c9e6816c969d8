import type { Episode, Occurrence, SavedEpisode } from './episode.ts';

/**
 * What a correlation knows of one group. A window slides: at a time t it holds what happened in (t - span, t]. The
 * condition is a function of all times, not only of those at which something happens: it ceases to hold in the moment in
 * which the event leaves the window without which it does not.
 */
export interface Window {
  /** Takes an occurrence that is behind the watermark; in which order they come is one to the outcome. */
  add(occurrence: Occurrence, watermarkMs: number): void;
  /** When something changes if nothing more comes: then `forget` tells of it. Infinite when nothing will. */
  readonly dueMs: number;
  /** Lets go of what cannot matter any more: nothing comes at or before this time. True when nothing is left. */
  forget(watermarkMs: number): boolean;
  /** Episodes that late events can still change. */
  readonly episodes: readonly Episode[];
  /** What it knows, as JSON. It shares nothing with the window. */
  save(): SavedWindow;
}

/** A window at rest. */
export interface SavedWindow {
  readonly episodes: readonly SavedEpisode[];
  /** As the kind of window wants it. */
  readonly held: readonly unknown[];
}
