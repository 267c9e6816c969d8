import { type Episode, type EpisodeListener, Episodes, maxSamples, type Occurrence } from './episode.ts';
import { NumberSample } from './sample.ts';
import { type SavedWindow, Window } from './window.ts';

/** What is measured of the numbers in a window, and whether the condition holds for it. */
export interface NumberCondition {
  readonly isRanked: boolean;
  readonly measure: (sample: NumberSample) => number;
  readonly holds: (measured: number) => boolean;
  /**
   * Occurrences that are enough for the condition to hold, whichever they are: beyond so many the oldest are given up, the
   * end of an episode stays as it is, and its peak is what was held. Absent: all are held.
   */
  readonly enough?: number;
}

/** What is the same for all groups. */
export interface NumberSpec {
  readonly spanMs: number;
  readonly condition: NumberCondition;
  readonly changed: EpisodeListener;
}

/**
 * Measures numbers: their sum, mean or a quantile. What comes and what leaves can make the condition hold, or cease to, so
 * it takes occurrences in their order only.
 */
export class NumberWindow extends Window {
  readonly #spanMs: number;
  readonly #condition: NumberCondition;
  readonly #episodes: Episodes;
  readonly #sample: NumberSample;
  /** Time, index and number of each event by turns; those before `#first` have left. */
  #held: number[] = [];
  #first = 0;
  /** A moment at which something has changed, and more may: it has not been judged yet. */
  #openMs: number | undefined;

  constructor({ spanMs, condition, changed }: NumberSpec, key: string, saved?: SavedWindow) {
    super(key);
    this.#spanMs = spanMs;
    this.#condition = condition;
    this.#episodes = new Episodes(key, changed);
    this.#sample = new NumberSample(condition.isRanked);
    if (saved === undefined) return;
    this.#episodes.load(saved.episodes);
    const [openMs, held] = saved.held as [number | null, readonly number[]];
    this.#openMs = openMs ?? undefined;
    this.#held = [...held];
    for (let i = 2; i < this.#held.length; i += 3) this.#sample.add(this.#held[i]!);
  }

  /** When the oldest event leaves the window, which may make the condition hold; before that, what has just come. */
  get dueMs(): number {
    return this.#openMs ?? this.#leavesMs;
  }

  add({ timeMs, index, value }: Occurrence): void {
    this.#moveTo(timeMs);
    this.#held.push(timeMs, index, value as number);
    this.#sample.add(value as number);
    const { enough = Number.POSITIVE_INFINITY } = this.#condition;
    if (this.#sample.count > enough) {
      this.#sample.remove(this.#held[this.#first + 2]!);
      this.#first += 3;
    }
    this.#openMs = timeMs;
  }

  forget(watermarkMs: number): boolean {
    this.#moveTo(watermarkMs);
    if (this.#openMs !== undefined) this.#judge(this.#openMs);
    this.#episodes.forget(watermarkMs);
    return this.#first === this.#held.length;
  }

  get episodes(): readonly Episode[] {
    return this.#episodes.list;
  }

  save(): SavedWindow {
    return { episodes: this.#episodes.save(), held: [this.#openMs ?? null, this.#held.slice(this.#first)] };
  }

  get #leavesMs(): number {
    return (this.#held[this.#first] ?? Number.POSITIVE_INFINITY) + this.#spanMs;
  }

  /** Judges every moment before a time, and takes out what has left the window by then. */
  #moveTo(timeMs: number): void {
    if (this.#openMs !== undefined && this.#openMs < timeMs) this.#judge(this.#openMs);
    while (this.#leavesMs <= timeMs) {
      const atMs = this.#leavesMs;
      for (; this.#leavesMs === atMs; this.#first += 3) this.#sample.remove(this.#held[this.#first + 2]!);
      if (atMs < timeMs) this.#judge(atMs);
      else this.#openMs = atMs;
    }
    // What has left is still asked for the last event before a moment.
    if (this.#first > this.#held.length / 2 && this.#first < this.#held.length) {
      this.#held.splice(0, this.#first);
      this.#first = 0;
    }
  }

  #judge(timeMs: number): void {
    this.#openMs = undefined;
    const [lastMs, index] = [this.#held.at(-3)!, this.#held.at(-2)!];
    const measured = this.#sample.count === 0 ? undefined : this.#condition.measure(this.#sample);
    if (measured === undefined || !this.#condition.holds(measured)) this.#episodes.end(timeMs);
    else if (this.#episodes.isHolding) this.#episodes.extend(lastMs, measured);
    else this.#episodes.begin(timeMs, measured, index, () => this.#samples());
  }

  #samples(): number[] {
    const samples: number[] = [];
    const from = Math.max(this.#first, this.#held.length - 3 * maxSamples);
    for (let i = from; i < this.#held.length; i += 3) samples.push(this.#held[i + 1]!);
    return samples;
  }
}
