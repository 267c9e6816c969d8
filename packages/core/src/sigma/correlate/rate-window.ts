import { type Episode, type EpisodeListener, Episodes, maxSamples, type Occurrence } from './episode.ts';
import { type SavedWindow, Window } from './window.ts';

/** What is the same for all groups. */
export interface RateSpec {
  /** Length of a window; windows begin at multiples of it since 1970. */
  readonly spanMs: number;
  readonly least: number;
  readonly factor: number;
  /** Windows with events that a baseline needs. */
  readonly known: number;
  /** Windows that a baseline can be made of. */
  readonly windows: number;
  readonly changed: EpisodeListener;
}

/**
 * Holds a group against itself: a window is too much when it has at least `least` events, and `factor` times the median of
 * the windows before it within the history in which there was any. The condition holds from the event on that makes a
 * window too much, until a whole window has passed that was not.
 *
 * Windows without an event do not count: people sleep, and a median over their nights would be 0. Takes occurrences in
 * their order only, so that all windows before are as they will stay.
 */
export class RateWindow extends Window {
  readonly #spec: RateSpec;
  readonly #episodes: Episodes;
  /** Number and count of each window with an event by turns, the oldest first; the last is the one at hand. */
  #counts: number[] = [];
  /** Events that make the window at hand too much. */
  #needed = Number.POSITIVE_INFINITY;
  /** The last window that was too much. */
  #exceeded = Number.NEGATIVE_INFINITY;
  /** The last events of the window at hand. */
  #last: number[] = [];

  constructor(spec: RateSpec, key: string, saved?: SavedWindow) {
    super(key);
    this.#spec = spec;
    this.#episodes = new Episodes(key, spec.changed);
    if (saved === undefined) return;
    this.#episodes.load(saved.episodes);
    const [counts, exceeded, last] = saved.held as [number[], number | null, number[]];
    this.#counts = [...counts];
    this.#exceeded = exceeded ?? Number.NEGATIVE_INFINITY;
    this.#last = [...last];
    this.#needed = this.#neededNow();
  }

  /** The end of the first whole window that was not too much. */
  get dueMs(): number {
    return this.#episodes.isHolding ? (this.#exceeded + 2) * this.#spec.spanMs : Number.POSITIVE_INFINITY;
  }

  get episodes(): readonly Episode[] {
    return this.#episodes.list;
  }

  add({ timeMs, index }: Occurrence): void {
    this.#endBy(timeMs);
    const window = Math.floor(timeMs / this.#spec.spanMs);
    const counts = this.#counts;
    if (counts[counts.length - 2] !== window) {
      counts.push(window, 0);
      this.#letGo(window);
      this.#needed = this.#neededNow();
      this.#last = [];
    }
    const count = ++counts[counts.length - 1]!;
    this.#last.push(index);
    if (this.#last.length > maxSamples) this.#last.shift();
    if (count < this.#needed) return;
    this.#exceeded = window;
    if (this.#episodes.isHolding) this.#episodes.extend(timeMs, count);
    else this.#episodes.begin(timeMs, count, index, () => [...this.#last]);
  }

  forget(watermarkMs: number): boolean {
    this.#endBy(watermarkMs);
    this.#episodes.forget(watermarkMs);
    this.#letGo(Math.floor(watermarkMs / this.#spec.spanMs));
    return this.#counts.length === 0 && this.#episodes.isEmpty;
  }

  save(): SavedWindow {
    const exceeded = Number.isFinite(this.#exceeded) ? this.#exceeded : null;
    return { episodes: this.#episodes.save(), held: [[...this.#counts], exceeded, [...this.#last]] };
  }

  #endBy(timeMs: number): void {
    const { dueMs } = this;
    if (dueMs <= timeMs) this.#episodes.end(dueMs);
  }

  /** Lets go of windows that are no part of the history of a window. */
  #letGo(window: number): void {
    const counts = this.#counts;
    let gone = 0;
    while (gone < counts.length && counts[gone]! < window - this.#spec.windows) gone += 2;
    if (gone > 0) counts.splice(0, gone);
  }

  #neededNow(): number {
    const { least, factor, known } = this.#spec;
    const before = this.#counts.filter((_, i) => i % 2 === 1).slice(0, -1);
    if (before.length < known) return Number.POSITIVE_INFINITY;
    return Math.max(least, Math.ceil(factor * medianOf(before)));
  }
}

function medianOf(counts: readonly number[]): number {
  const sorted = counts.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  return (sorted[Math.floor(at)]! + sorted[Math.ceil(at)]!) / 2;
}
