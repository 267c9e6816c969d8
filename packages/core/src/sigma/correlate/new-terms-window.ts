import type { Episode, EpisodeListener, Occurrence } from './episode.ts';
import { type SavedWindow, Window } from './window.ts';

/** What is the same for all groups. */
export interface NewTermsSpec {
  readonly spanMs: number;
  /** Other values that must be known, from 1. */
  readonly known: number;
  /** How long something must have been heard of the group. */
  readonly learnMs: number;
  /** Values remembered of a group, at least `known`. */
  readonly remember: number;
  readonly changed: EpisodeListener;
  /** Told of each value that is given up. */
  readonly gaveUp: () => void;
}

/**
 * Looks for values that a group has not shown within a span before. At a time t a value is new if no event in (t - span, t)
 * has it; that is a finding where `known` other values were seen in (t - span, t), and where the group has been heard of
 * since t - learn or longer without a pause of a span: of a group that is new itself everything is new.
 *
 * Values are learnt in their order, at the watermark. Still a new one is told at once where late events cannot make it
 * known: where it has not been seen up to the watermark, and the group has its history by then. What comes late can then
 * only begin it earlier. All else waits.
 *
 * Beyond `remember` values the one that was seen longest ago is given up. It is new again when it is seen again, so a flood
 * of values can lead to more findings, never to fewer.
 */
export class NewTermsWindow extends Window {
  readonly #spec: NewTermsSpec;
  /** By value: when it was seen last, the earliest first; up to the watermark. */
  readonly #terms: Map<string, number> = new Map();
  /** Since when the group has been heard of without a pause of a span. */
  #sinceMs = 0;
  /** The time that is being taken in, and how many values were known before it. */
  #atMs = Number.NEGATIVE_INFINITY;
  #before = 0;
  /** What has been told of values that are not behind the watermark yet. */
  readonly #ahead: Map<string, Episode> = new Map();

  constructor(spec: NewTermsSpec, key: string, saved?: SavedWindow) {
    super(key);
    this.#spec = spec;
    if (saved === undefined) return;
    const [sinceMs, terms] = saved.held as [number, [string, number][]];
    this.#sinceMs = sinceMs;
    for (const [term, lastMs] of terms) this.#terms.set(term, lastMs);
    for (const { endMs, ...episode } of saved.episodes)
      this.#ahead.set(episode.value!, { ...episode, endMs: endMs! });
  }

  /** It is over when it is told. */
  get dueMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  get episodes(): readonly Episode[] {
    return [...this.#ahead.values()];
  }

  override foresee({ timeMs, index, value }: Occurrence, watermarkMs: number): void {
    const term = String(value);
    this.#expire(watermarkMs);
    if (this.#terms.has(term)) return;
    const told = this.#ahead.get(term);
    if (told !== undefined) {
      if (timeMs < told.startMs) this.#begin(told, timeMs, index);
      return;
    }
    const { learnMs, known } = this.#spec;
    if (this.#terms.size === 0 || this.#sinceMs + learnMs > watermarkMs) return;
    if (!this.#hasKnownAt(timeMs, known)) return;
    const episode = newEpisode(term, timeMs, index);
    this.#ahead.set(term, episode);
    this.#spec.changed(this.key, episode);
  }

  add({ timeMs, index, value }: Occurrence): void {
    const term = String(value);
    if (timeMs > this.#atMs) {
      this.#expire(timeMs);
      if (this.#terms.size === 0) this.#sinceMs = timeMs;
      this.#before = this.#terms.size;
      this.#atMs = timeMs;
    }
    const { known, learnMs, remember, gaveUp } = this.#spec;
    const isNew = !this.#terms.has(term);
    if (isNew && this.#before >= known && this.#sinceMs + learnMs <= timeMs) this.#found(term, timeMs, index);
    this.#ahead.delete(term);
    this.#terms.delete(term);
    this.#terms.set(term, timeMs);
    if (this.#terms.size > remember) {
      this.#terms.delete(this.#terms.keys().next().value!);
      gaveUp();
    }
  }

  forget(watermarkMs: number): boolean {
    this.#expire(watermarkMs);
    return this.#terms.size === 0 && this.#ahead.size === 0;
  }

  save(): SavedWindow {
    return {
      episodes: [...this.#ahead.values()].map(({ isFired: _, ...episode }) => ({ ...episode })),
      held: [this.#sinceMs, [...this.#terms]],
    };
  }

  #found(term: string, timeMs: number, index: number): void {
    const told = this.#ahead.get(term);
    if (told === undefined) this.#spec.changed(this.key, newEpisode(term, timeMs, index));
    else if (told.startMs !== timeMs) this.#begin(told, timeMs, index);
  }

  #begin(episode: Episode, timeMs: number, index: number): void {
    episode.startMs = timeMs;
    episode.endMs = timeMs;
    episode.completedBy = index;
    this.#spec.changed(this.key, episode);
  }

  /** Whether so many of the values that are known will still be at a time. */
  #hasKnownAt(timeMs: number, known: number): boolean {
    let left = this.#terms.size;
    for (const lastMs of this.#terms.values()) {
      if (left < known) return false;
      if (lastMs + this.#spec.spanMs > timeMs) return true;
      left--;
    }
    return false;
  }

  #expire(timeMs: number): void {
    for (const [term, lastMs] of this.#terms) {
      if (lastMs + this.#spec.spanMs > timeMs) return;
      this.#terms.delete(term);
    }
  }
}

const newEpisode = (value: string, timeMs: number, index: number): Episode => ({
  startMs: timeMs,
  endMs: timeMs,
  lastMs: timeMs,
  peak: 1,
  raisedAt: index,
  raisedMs: timeMs,
  completedBy: index,
  samples: [index],
  value,
});
