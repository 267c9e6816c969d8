import { type Episode, type EpisodeListener, maxSamples, type Occurrence } from './episode.ts';
import { type SavedWindow, Window } from './window.ts';

/** What is asked of a window when it has closed: undefined where the condition does not hold, else what was measured. */
export type ClosedCondition = (occurrences: readonly Occurrence[]) => number | undefined;

/** What is the same for all groups. */
export interface ClosedSpec {
  readonly spanMs: number;
  readonly condition: ClosedCondition;
  readonly changed: EpisodeListener;
  /** Told of each occurrence that is given up. */
  readonly gaveUp: () => void;
}

/** Occurrences that are kept of one window; what comes behind them is not measured. */
const maxHeld = 100_000;

/**
 * For conditions that more events can make false, as `lt` and `not` do: they are judged when the window has closed. A
 * window opens with an event and takes what comes within a span; the next event behind it opens the next. Takes
 * occurrences in their order only.
 */
export class ClosedWindow extends Window {
  readonly #spec: ClosedSpec;
  #held: Occurrence[] = [];

  constructor(spec: ClosedSpec, key: string, saved?: SavedWindow) {
    super(key);
    this.#spec = spec;
    if (saved !== undefined) this.#held = [...(saved.held as readonly Occurrence[])];
  }

  /** They are over when they are told. */
  readonly episodes: readonly Episode[] = [];

  /** When the window closes. */
  get dueMs(): number {
    return (this.#held[0]?.timeMs ?? Number.POSITIVE_INFINITY) + this.#spec.spanMs;
  }

  add(occurrence: Occurrence): void {
    this.#close(occurrence.timeMs);
    if (this.#held.length < maxHeld) this.#held.push(occurrence);
    else this.#spec.gaveUp();
  }

  forget(watermarkMs: number): boolean {
    this.#close(watermarkMs);
    return this.#held.length === 0;
  }

  save(): SavedWindow {
    return { episodes: [], held: [...this.#held] };
  }

  #close(timeMs: number): void {
    const { dueMs } = this;
    if (dueMs > timeMs) return;
    const held = this.#held;
    this.#held = [];
    const measured = this.#spec.condition(held);
    if (measured === undefined) return;
    const { index, timeMs: lastMs } = held.at(-1)!;
    const episode: Episode = {
      startMs: dueMs,
      endMs: dueMs,
      lastMs,
      peak: measured,
      raisedAt: index,
      raisedMs: dueMs,
      completedBy: index,
      samples: [...new Set(held.map((one) => one.index))].slice(-maxSamples),
    };
    this.#spec.changed(this.key, episode);
  }
}
