import type { Episode, EpisodeListener, Occurrence } from './episode.ts';
import { type SavedWindow, Window } from './window.ts';

/** What is the same for all groups. */
export interface NewTermsSpec {
  readonly spanMs: number;
  /** Other values that must be known. */
  readonly known: number;
  /** How long something must have been heard of the group. */
  readonly learnMs: number;
  /** How far back a value is looked for that comes again, more than a span; 0: what is looked for is a value that is new. */
  readonly againMs: number;
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
 * With `again` it looks for the opposite of new: a value that was seen before, but not within a span.
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
  /** What has been told of values that the watermark has not come to yet. */
  readonly #ahead: Map<string, Episode> = new Map();
  /** By value: the latest time at which it waits for the watermark. */
  readonly #waiting: Map<string, number> = new Map();

  constructor(spec: NewTermsSpec, key: string, saved?: SavedWindow) {
    super(key);
    this.#spec = spec;
    if (saved === undefined) return;
    const [sinceMs, moment, terms, waiting] = saved.held as [
      number,
      [atMs: number | null, before: number],
      [string, number][],
      [string, number][],
    ];
    this.#sinceMs = sinceMs;
    this.#atMs = moment[0] ?? Number.NEGATIVE_INFINITY;
    this.#before = moment[1];
    for (const [term, untilMs] of waiting) this.#waiting.set(term, untilMs);
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
    const waitsUntilMs = this.#waiting.get(term);
    this.#waiting.set(term, Math.max(timeMs, waitsUntilMs ?? timeMs));
    const told = this.#ahead.get(term);
    if (told !== undefined && timeMs < told.startMs) this.#begin(told, timeMs, index);
    // Of one that waits already the first has been told, or nothing can be.
    if (waitsUntilMs !== undefined || !this.#isCertain(term, timeMs, watermarkMs)) return;
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
    const isFresh = this.#isFresh(term, timeMs);
    if (isFresh && this.#before >= known && this.#sinceMs + learnMs <= timeMs)
      this.#found(term, timeMs, index);
    this.#ahead.delete(term);
    if (this.#waiting.get(term)! <= timeMs) this.#waiting.delete(term);
    this.#terms.delete(term);
    this.#terms.set(term, timeMs);
    if (this.#terms.size > remember) {
      this.#terms.delete(this.#terms.keys().next().value!);
      gaveUp();
    }
  }

  forget(watermarkMs: number): boolean {
    this.#expire(watermarkMs);
    return this.#terms.size === 0 && this.#waiting.size === 0;
  }

  save(): SavedWindow {
    return {
      episodes: [...this.#ahead.values()].map(({ isFired: _, ...episode }) => ({ ...episode })),
      // Before the first moment its time is infinite, which JSON makes null.
      held: [this.#sinceMs, [this.#atMs, this.#before], [...this.#terms], [...this.#waiting]],
    };
  }

  /** Whether a value that the watermark has not come to is a finding at a time, whatever comes late. */
  #isCertain(term: string, timeMs: number, watermarkMs: number): boolean {
    const { learnMs, known, againMs } = this.#spec;
    if (!this.#isFresh(term, watermarkMs)) return false;
    // By then it may be forgotten that it was there before.
    if (againMs > 0 && this.#terms.get(term)! + againMs <= timeMs) return false;
    if (this.#terms.size === 0 || this.#sinceMs + learnMs > watermarkMs) return false;
    return this.#hasKnownAt(timeMs, known);
  }

  /** Whether a value has not been seen within a span, and before that as it is asked for. */
  #isFresh(term: string, timeMs: number): boolean {
    const lastMs = this.#terms.get(term);
    if (this.#spec.againMs === 0) return lastMs === undefined;
    return lastMs !== undefined && lastMs + this.#spec.spanMs <= timeMs;
  }

  /** How long a value is remembered. */
  get #memoryMs(): number {
    return Math.max(this.#spec.spanMs, this.#spec.againMs);
  }

  #found(term: string, timeMs: number, index: number): void {
    const told = this.#ahead.get(term);
    if (told === undefined) this.#spec.changed(this.key, newEpisode(term, timeMs, index));
    else if (told.startMs !== timeMs) this.#begin(told, timeMs, index);
  }

  #begin(episode: Episode, timeMs: number, index: number): void {
    episode.startMs = timeMs;
    episode.endMs = timeMs;
    episode.lastMs = timeMs;
    episode.completedBy = index;
    this.#spec.changed(this.key, episode);
  }

  /** Whether so many of the values that are known will still be at a time. */
  #hasKnownAt(timeMs: number, known: number): boolean {
    let left = this.#terms.size;
    for (const lastMs of this.#terms.values()) {
      if (left < known) return false;
      if (lastMs + this.#memoryMs > timeMs) return true;
      left--;
    }
    return false;
  }

  #expire(timeMs: number): void {
    for (const [term, lastMs] of this.#terms) {
      if (lastMs + this.#memoryMs > timeMs) return;
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
