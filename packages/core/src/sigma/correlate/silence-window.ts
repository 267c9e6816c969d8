import { type Episode, type EpisodeListener, Episodes, type Occurrence } from './episode.ts';
import { type SavedWindow, Window } from './window.ts';

/** What is the same for all groups. */
export interface SilenceSpec {
  readonly spanMs: number;
  /** Events that a group must have had, from 1. */
  readonly least: number;
  /** Behind the last event: when the group is given up. More than the span. */
  readonly historyMs: number;
  readonly changed: EpisodeListener;
}

/**
 * Looks for groups that have stopped: the condition holds from a span after the last event that was heard of until the next
 * one, or until the group is given up.
 *
 * Its time is that of receipt, not of events: a producer that sends old events is heard, and one whose events come late
 * was not. Receipts are in their order by nature, so nothing here is ever amended but the end.
 */
export class SilenceWindow extends Window {
  readonly #spec: SilenceSpec;
  readonly #episodes: Episodes;
  #lastMs = Number.NEGATIVE_INFINITY;
  #lastIndex = 0;
  /** Events heard, counted up to those that are needed. */
  #count = 0;

  constructor(spec: SilenceSpec, key: string, saved?: SavedWindow) {
    super(key);
    this.#spec = spec;
    this.#episodes = new Episodes(key, spec.changed);
    if (saved === undefined) return;
    this.#episodes.load(saved.episodes);
    [this.#lastMs, this.#lastIndex, this.#count] = saved.held as [number, number, number];
  }

  get dueMs(): number {
    const { spanMs, least, historyMs } = this.#spec;
    if (this.#count === 0) return Number.POSITIVE_INFINITY;
    const isToTell = this.#count >= least && !this.#episodes.isHolding;
    return this.#lastMs + (isToTell ? spanMs : historyMs);
  }

  get episodes(): readonly Episode[] {
    return this.#episodes.list;
  }

  add({ timeMs, index }: Occurrence): void {
    // What is heard at the very end of a span, or of the history, is heard in time.
    while (this.dueMs < timeMs) this.#see();
    if (this.#episodes.isHolding) this.#end(timeMs);
    this.#episodes.forget(timeMs);
    this.#lastMs = timeMs;
    this.#lastIndex = index;
    this.#count = Math.min(this.#count + 1, this.#spec.least);
  }

  forget(heardMs: number): boolean {
    while (this.dueMs <= heardMs) this.#see();
    this.#episodes.forget(heardMs);
    return this.#count === 0;
  }

  save(): SavedWindow {
    return { episodes: this.#episodes.save(), held: [this.#lastMs, this.#lastIndex, this.#count] };
  }

  /** Takes the next step that time brings: the silence begins, or the group is given up. */
  #see(): void {
    const { spanMs, historyMs, least } = this.#spec;
    if (this.#count >= least && !this.#episodes.isHolding) {
      const index = this.#lastIndex;
      this.#episodes.begin(this.#lastMs + spanMs, spanMs / 1000, index, () => [index]);
      return;
    }
    if (this.#episodes.isHolding) this.#end(this.#lastMs + historyMs);
    this.#count = 0;
  }

  /** The peak is how long nothing was heard, in seconds. */
  #end(endMs: number): void {
    const last = this.#episodes.last!;
    last.peak = Math.max(last.peak, (endMs - this.#lastMs) / 1000);
    // By the clock it can have begun before an entry was read that had been received by then.
    this.#episodes.end(Math.max(endMs, last.startMs));
  }
}
