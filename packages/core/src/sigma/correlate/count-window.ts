import {
  type Episode,
  type EpisodeListener,
  Episodes,
  maxSamples,
  type Occurrence,
  type Stretch,
} from './episode.ts';
import { type SavedWindow, Window } from './window.ts';

/** A stretch, and where in `#held` the event stands that it begins with. */
type FoundStretch = { -readonly [key in keyof Stretch]: Stretch[key] } & { readonly at: number };

/** What is the same for all groups. */
export interface CountSpec {
  readonly spanMs: number;
  /** Events that are needed, from 1. */
  readonly least: number;
  readonly changed: EpisodeListener;
  /** Told whenever events are given up. */
  readonly gaveUp: () => void;
}

/** For groups of which nothing is held; never changed. */
const nothing: number[] = [];

/** Events held for a group at the least before any is given up; see {@link CountWindow}. */
export const minHeld = 65_536;

/**
 * Counts events: the condition holds while at least so many are in the window.
 *
 * An event that comes late can only make the condition hold for longer, never for less. So where it holds already, a flood
 * of events needs no memory: beyond 65,536 events, and four times as many as are needed, the older half is given up. While
 * that many are in one window, nothing changes but the peak, which is then what was held. Where they are spread over more
 * than a window, because the lateness is longer, a late event among those that were given up can count too few.
 */
export class CountWindow extends Window {
  readonly #spec: CountSpec;
  #episodes: Episodes | undefined;
  /** Time and index of each event by turns, by rising time. */
  #held: number[] = nothing;
  /** Where the first event of the window that ends with the last event stands in `#held`. */
  #first = 0;

  constructor(spec: CountSpec, key: string, saved?: SavedWindow) {
    super(key);
    this.#spec = spec;
    if (saved === undefined) return;
    const held = [...(saved.held as readonly number[])];
    this.#held = held;
    const latest = held[held.length - 2] ?? 0;
    while (this.#first < held.length && held[this.#first]! + spec.spanMs <= latest) this.#first += 2;
    if (saved.episodes.length > 0) this.#started().load(saved.episodes);
  }

  add({ timeMs, index }: Occurrence, watermarkMs: number): void {
    if (this.#held.length === 0) {
      // An array that grows by its first push takes room for sixteen more.
      this.#held = [timeMs, index];
      this.#first = 0;
      if (this.#spec.least === 1) this.#started().begin(timeMs, 1, index, () => [index]);
      return;
    }
    const held = this.#held;
    const middle = held.length >> 1;
    if (middle > 16 && held[middle - (middle % 2)]! + this.#spec.spanMs <= watermarkMs)
      this.#letGo(watermarkMs);
    if (timeMs < held[held.length - 2]!) this.#addLate(timeMs, index);
    else this.#addNext(timeMs, index);
    if (held.length <= 2 * Math.max(minHeld, 4 * this.#spec.least)) return;
    this.#drop(held.length / 2);
    this.#spec.gaveUp();
  }

  forget(watermarkMs: number): boolean {
    if (this.dueMs <= watermarkMs) this.#episodes?.end(this.dueMs);
    this.#letGo(watermarkMs);
    this.#episodes?.forget(watermarkMs);
    if (this.#held.length > 0) return false;
    this.#episodes = undefined;
    return true;
  }

  /** When the oldest event leaves the window without which there are too few. */
  get dueMs(): number {
    if (!this.#episodes?.isHolding) return Number.POSITIVE_INFINITY;
    return this.#held[this.#held.length - 2 * this.#spec.least]! + this.#spec.spanMs;
  }

  get episodes(): readonly Episode[] {
    return this.#episodes?.list ?? [];
  }

  save(): SavedWindow {
    return { episodes: this.#episodes?.save() ?? [], held: [...this.#held] };
  }

  #letGo(watermarkMs: number): void {
    const held = this.#held;
    let gone = 0;
    while (gone < held.length && held[gone]! + this.#spec.spanMs <= watermarkMs) gone += 2;
    this.#drop(gone);
  }

  #addNext(timeMs: number, index: number): void {
    const held = this.#held;
    const span = this.#spec.spanMs;
    while (this.#first < held.length && held[this.#first]! + span <= timeMs) {
      this.#first += 2;
      if ((held.length - this.#first) / 2 === this.#spec.least - 1)
        this.#episodes?.end(held[this.#first - 2]! + span);
    }
    held.push(timeMs, index);
    const count = (held.length - this.#first) / 2;
    if (count < this.#spec.least) return;
    const episodes = this.#started();
    if (episodes.isHolding) episodes.extend(timeMs, count);
    else episodes.begin(timeMs, count, index, () => this.#samples(held.length - 2));
  }

  #addLate(timeMs: number, index: number): void {
    const held = this.#held;
    const span = this.#spec.spanMs;
    const at = this.#placeOf(timeMs);
    held.splice(at, 0, timeMs, index);
    if (at < this.#first) this.#first += 2;
    // Where the event that completes a count stands, the count holds until the oldest of its events leaves the window.
    const reach = 2 * (this.#spec.least - 1);
    let low = this.#placeOf(timeMs - span);
    let stretch: FoundStretch | undefined;
    for (let i = at; i < held.length && held[i]! <= timeMs + span; i += 2) {
      while (held[low]! + span <= held[i]!) low += 2;
      if (i - reach < low) continue;
      const startMs = held[i]!;
      const endMs = i === held.length - 2 ? Number.POSITIVE_INFINITY : held[i - reach]! + span;
      const peak = (i - low) / 2 + 1;
      if (stretch !== undefined && startMs <= stretch.endMs) {
        stretch.endMs = endMs;
        stretch.lastMs = held[i]!;
        stretch.peak = Math.max(stretch.peak, peak);
        continue;
      }
      this.#unite(stretch, index);
      stretch = { startMs, endMs, lastMs: startMs, peak, at: i };
    }
    this.#unite(stretch, index);
  }

  #unite(stretch: FoundStretch | undefined, raisedAt: number): void {
    if (stretch === undefined) return;
    const { at, ...found } = stretch;
    this.#started().unite(found, raisedAt, this.#held[at + 1]!, () => this.#samples(at));
  }

  #started(): Episodes {
    this.#episodes ??= new Episodes(this.key, this.#spec.changed);
    return this.#episodes;
  }

  /** The last events in the window that ends with the one at a place. */
  #samples(at: number): number[] {
    const held = this.#held;
    const samples: number[] = [];
    for (let i = at; i >= 0 && samples.length < maxSamples; i -= 2) {
      if (held[i]! + this.#spec.spanMs <= held[at]!) break;
      samples.push(held[i + 1]!);
    }
    return samples.reverse();
  }

  /** Where an event of a time belongs, behind others of the same time. */
  #placeOf(timeMs: number): number {
    let [low, high] = [0, this.#held.length / 2];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#held[2 * middle]! <= timeMs) low = middle + 1;
      else high = middle;
    }
    return 2 * low;
  }

  #drop(count: number): void {
    const gone = count - (count % 2);
    if (gone > 0) this.#held.splice(0, gone);
    this.#first = Math.max(0, this.#first - gone);
  }
}
