import { type Episode, type EpisodeListener, maxSamples, type Occurrence } from './episode.ts';
import { type SavedWindow, Window } from './window.ts';

/** What is the same for all groups. */
export interface GapSpec {
  /** How long a number may be missing. */
  readonly spanMs: number;
  /** Numbers that must be missing, from 1. */
  readonly least: number;
  /** Behind the last event: when the group is given up. */
  readonly historyMs: number;
  readonly changed: EpisodeListener;
  /** Told of gaps that could not be waited for. */
  readonly gaveUp: () => void;
}

/** Numbers that were passed over: from, to, when, and the event that did. */
type Gap = readonly [from: number, to: number, atMs: number, index: number];

/** Gaps that wait in a group; beyond, the oldest are told without waiting any longer. */
const maxGaps = 256;

/**
 * Looks for numbers of a sequence that do not come: a number is passed over when a greater one comes, and missing when it
 * has not come by a span after that. All that were passed over at one time and are missing are one finding. A sequence
 * begins with the first number that is seen, and again after the group was given up. Takes occurrences in their order only.
 */
export class GapWindow extends Window {
  readonly #spec: GapSpec;
  /** The oldest first. */
  #gaps: Gap[] = [];
  #highest: number | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** When the sequence began: of numbers of that moment none is before the other. */
  #sinceMs = Number.NEGATIVE_INFINITY;

  constructor(spec: GapSpec, key: string, saved?: SavedWindow) {
    super(key);
    this.#spec = spec;
    if (saved === undefined) return;
    const [highest, lastMs, sinceMs, gaps] = saved.held as [
      ...[number | null, number | null, number | null],
      Gap[],
    ];
    this.#sinceMs = sinceMs ?? Number.NEGATIVE_INFINITY;
    this.#highest = highest ?? undefined;
    this.#lastMs = lastMs ?? Number.NEGATIVE_INFINITY;
    this.#gaps = [...gaps];
  }

  /** They are over when they are told. */
  readonly episodes: readonly Episode[] = [];

  get dueMs(): number {
    return (this.#gaps[0]?.[2] ?? Number.POSITIVE_INFINITY) + this.#spec.spanMs;
  }

  add({ timeMs, index, value }: Occurrence): void {
    const number = value as number;
    if (!Number.isSafeInteger(number)) return;
    // What comes at the very end of its time is there in time.
    while (this.dueMs < timeMs) this.#tell(this.dueMs);
    if (this.#lastMs + this.#spec.historyMs <= timeMs) this.#highest = undefined;
    if (this.#highest === undefined) this.#sinceMs = timeMs;
    this.#lastMs = timeMs;
    const highest = this.#highest ?? number;
    if (number >= highest) {
      this.#highest = number;
      if (number > highest + 1 && timeMs > this.#sinceMs)
        this.#gaps.push([highest + 1, number - 1, timeMs, index]);
    } else this.#gaps = this.#gaps.flatMap((gap) => without(gap, number));
    while (this.#gaps.length > maxGaps) {
      this.#spec.gaveUp();
      this.#tell(timeMs);
    }
  }

  forget(watermarkMs: number): boolean {
    while (this.dueMs <= watermarkMs) this.#tell(this.dueMs);
    return this.#gaps.length === 0 && this.#lastMs + this.#spec.historyMs <= watermarkMs;
  }

  save(): SavedWindow {
    // Before the first number times are infinite, which JSON makes null.
    return { episodes: [], held: [this.#highest ?? null, this.#lastMs, this.#sinceMs, [...this.#gaps]] };
  }

  /** Tells of the oldest gaps, all those that were seen at one time. */
  #tell(timeMs: number): void {
    const [, , atMs, index] = this.#gaps[0]!;
    const isLater = this.#gaps.findIndex((gap) => gap[2] !== atMs);
    const gaps = this.#gaps.splice(0, isLater < 0 ? this.#gaps.length : isLater);
    const missing = gaps.reduce((sum, [from, to]) => sum + to - from + 1, 0);
    if (missing < this.#spec.least) return;
    this.#spec.changed(this.key, {
      ...{ startMs: timeMs, endMs: timeMs, lastMs: atMs, peak: missing },
      ...{ raisedAt: index, raisedMs: timeMs, completedBy: index },
      samples: [...new Set(gaps.map((gap) => gap[3]))].slice(0, maxSamples),
    });
  }
}

function without(gap: Gap, number: number): Gap[] {
  const [from, to, atMs, index] = gap;
  if (number < from || number > to) return [gap];
  const parts: Gap[] = [];
  if (from < number) parts.push([from, number - 1, atMs, index]);
  if (number < to) parts.push([number + 1, to, atMs, index]);
  return parts;
}
