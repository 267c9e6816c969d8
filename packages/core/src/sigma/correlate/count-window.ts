import { type Episode, type EpisodeListener, Episodes, maxSamples, type Occurrence } from './episode.ts';
import type { SavedWindow, Window } from './window.ts';

/** A stretch, and where in `#held` the event stands that it begins with. */
interface FoundStretch {
  startMs: number;
  endMs: number;
  peak: number;
  readonly at: number;
}

/** Events held for a group at the least before any is given up; see {@link CountWindow}. */
const minHeld = 65_536;

/**
 * Counts events: the condition holds while at least so many are in the window.
 *
 * An event that comes late can only make the condition hold for longer, never for less. So where it holds already, a flood
 * of events needs no memory: beyond a bound the oldest are given up, and the peak is then what was held.
 */
export class CountWindow implements Window {
  readonly #spanMs: number;
  readonly #least: number;
  readonly #changed: EpisodeListener;
  #episodes: Episodes | undefined;
  /** Time and index of each event by turns, by rising time: one array, since there can be a million groups. */
  #held: number[] = [];
  /** Where the first event of the window that ends with the last event stands in `#held`. */
  #first = 0;

  /** @param least events that are needed, from 1 */
  constructor(spanMs: number, least: number, changed: EpisodeListener, saved?: SavedWindow) {
    this.#spanMs = spanMs;
    this.#least = least;
    this.#changed = changed;
    if (saved === undefined) return;
    this.#held = [...(saved.held as readonly number[])];
    const latest = this.#held[this.#held.length - 2] ?? 0;
    while (this.#first < this.#held.length && this.#held[this.#first]! + spanMs <= latest) this.#first += 2;
    if (saved.episodes.length > 0) {
      this.#episodes = new Episodes(changed);
      this.#episodes.load(saved.episodes);
    }
  }

  add({ timeMs, index }: Occurrence, watermarkMs: number): void {
    const held = this.#held;
    const middle = held.length >> 1;
    if (middle > 16 && held[middle - (middle % 2)]! + this.#spanMs <= watermarkMs) this.forget(watermarkMs);
    if (held.length > 0 && timeMs < held[held.length - 2]!) this.#addLate(timeMs, index);
    else this.#addNext(timeMs, index);
    if (held.length > 2 * Math.max(minHeld, 4 * this.#least)) this.#drop(held.length / 2);
  }

  forget(watermarkMs: number): boolean {
    const held = this.#held;
    if (this.dueMs <= watermarkMs) this.#episodes?.end(this.dueMs);
    let gone = 0;
    while (gone < held.length && held[gone]! + this.#spanMs <= watermarkMs) gone += 2;
    this.#drop(gone);
    this.#episodes?.forget(watermarkMs);
    if (this.#held.length > 0) return false;
    this.#episodes = undefined;
    return true;
  }

  /** When the oldest event leaves the window without which there are too few. */
  get dueMs(): number {
    if (this.#episodes?.last?.endMs !== Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    return this.#held[this.#held.length - 2 * this.#least]! + this.#spanMs;
  }

  get episodes(): readonly Episode[] {
    return this.#episodes?.list ?? [];
  }

  save(): SavedWindow {
    return { episodes: this.#episodes?.save() ?? [], held: [...this.#held] };
  }

  #addNext(timeMs: number, index: number): void {
    const held = this.#held;
    const span = this.#spanMs;
    while (this.#first < held.length && held[this.#first]! + span <= timeMs) {
      this.#first += 2;
      if ((held.length - this.#first) / 2 === this.#least - 1)
        this.#episodes?.end(held[this.#first - 2]! + span);
    }
    held.push(timeMs, index);
    const count = (held.length - this.#first) / 2;
    if (count < this.#least) return;
    this.#episodes ??= new Episodes(this.#changed);
    if (this.#episodes.last?.endMs === Number.POSITIVE_INFINITY) this.#episodes.extend(timeMs, count);
    else this.#episodes.begin(timeMs, count, index, () => this.#samples(held.length - 2));
  }

  #addLate(timeMs: number, index: number): void {
    const held = this.#held;
    const span = this.#spanMs;
    const at = this.#placeOf(timeMs);
    held.splice(at, 0, timeMs, index);
    if (at < this.#first) this.#first += 2;
    // Where the event that completes a count stands, the count holds until the oldest of its events leaves the window.
    const reach = 2 * (this.#least - 1);
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
        stretch.peak = Math.max(stretch.peak, peak);
        continue;
      }
      this.#unite(stretch, index);
      stretch = { startMs, endMs, peak, at: i };
    }
    this.#unite(stretch, index);
  }

  #unite(stretch: FoundStretch | undefined, raisedAt: number): void {
    if (stretch === undefined) return;
    this.#episodes ??= new Episodes(this.#changed);
    const { at, ...found } = stretch;
    this.#episodes.unite(found, raisedAt, this.#held[at + 1]!, () => this.#samples(at));
  }

  /** The last events up to the one at a place. */
  #samples(at: number): number[] {
    const samples: number[] = [];
    for (let i = Math.max(0, at - 2 * (maxSamples - 1)); i <= at; i += 2) samples.push(this.#held[i + 1]!);
    return samples;
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
