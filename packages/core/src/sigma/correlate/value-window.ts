import { Deadlines } from './deadlines.ts';
import {
  type Episode,
  type EpisodeListener,
  Episodes,
  maxSamples,
  type Occurrence,
  type Stretch,
} from './episode.ts';
import { RecentTimes } from './recent-times.ts';
import { type SavedWindow, Window } from './window.ts';

/** A value without a break of a span: it is in the window from `firstMs` until a span after `lastMs`. */
interface Run {
  readonly value: string | number;
  firstMs: number;
  /** The event at `firstMs`. */
  index: number;
  lastMs: number;
}

/** Of the values in the window, what the condition is about: it holds from `least` on. */
export interface Measure {
  readonly least: number;
  /** @param values those that are in the window, each once */
  readonly of: (values: { readonly size: number; has(value: string | number): boolean }) => number;
}

/** What is the same for all groups. */
export interface ValueSpec {
  readonly spanMs: number;
  readonly measure: Measure;
  readonly changed: EpisodeListener;
}

/**
 * Tells values apart: the condition holds while so many different ones are in the window, or those that it asks for.
 *
 * Of a value nothing is held but its runs, at most a few however often it occurs, so what is judged follows the number of
 * values, not of events. Of events there are only their times, of those behind the watermark.
 */
export class ValueWindow extends Window {
  readonly #spanMs: number;
  readonly #measure: Measure;
  readonly #episodes: Episodes;
  /** Runs in the window that ends with the last event. */
  readonly #present: Map<string | number, Run> = new Map();
  /** Runs that have left it, while late events can still meet them. */
  #past: Run[] = [];
  /** When to look whether a value has left; one for each that is present, as late as its last event or earlier. */
  readonly #checks: Deadlines<Run> = new Deadlines();
  readonly #times: RecentTimes;
  #latestMs = Number.NEGATIVE_INFINITY;
  #level = 0;

  constructor({ spanMs, measure, changed }: ValueSpec, key: string, saved?: SavedWindow) {
    super(key);
    this.#spanMs = spanMs;
    this.#measure = measure;
    this.#episodes = new Episodes(key, changed);
    const [latestMs, present, past, times] = (saved?.held ?? [null, [], [], []]) as [
      ...[number | null, Run[], Run[]],
      number[],
    ];
    this.#times = new RecentTimes(times);
    if (saved === undefined) return;
    this.#episodes.load(saved.episodes);
    this.#latestMs = latestMs ?? Number.NEGATIVE_INFINITY;
    for (const run of present) {
      this.#present.set(run.value, { ...run });
      this.#checks.add(run.lastMs, this.#present.get(run.value)!);
    }
    this.#past = past.map((run) => ({ ...run }));
    this.#level = this.#measure.of(this.#present);
  }

  add({ timeMs, index, value, rule }: Occurrence, watermarkMs: number): void {
    if (this.#past.length > 64 && this.#past.length > this.#present.size) this.forget(watermarkMs);
    const told = value ?? rule;
    if (this.#times.isStale(watermarkMs)) this.#times.forget(watermarkMs);
    this.#times.add(timeMs);
    if (timeMs < this.#latestMs) this.#addLate(timeMs, index, told);
    else this.#addNext(timeMs, index, told);
  }

  forget(watermarkMs: number): boolean {
    if (watermarkMs > this.#latestMs) {
      this.#expire(watermarkMs);
      this.#latestMs = watermarkMs;
    }
    this.#past = this.#past.filter(({ lastMs }) => lastMs + this.#spanMs > watermarkMs);
    this.#times.forget(watermarkMs);
    this.#episodes.forget(watermarkMs);
    return this.#present.size === 0 && this.#past.length === 0;
  }

  get dueMs(): number {
    return this.#episodes.isHolding ? this.#checks.firstMs + this.#spanMs : Number.POSITIVE_INFINITY;
  }

  get episodes(): readonly Episode[] {
    return this.#episodes.list;
  }

  save(): SavedWindow {
    const latestMs = Number.isFinite(this.#latestMs) ? this.#latestMs : null;
    const copy = (runs: Iterable<Run>): Run[] => Array.from(runs, (run) => ({ ...run }));
    return {
      episodes: this.#episodes.save(),
      held: [latestMs, copy(this.#present.values()), copy(this.#past), this.#times.save()],
    };
  }

  #addNext(timeMs: number, index: number, value: string | number): void {
    this.#expire(timeMs);
    this.#latestMs = timeMs;
    const run = this.#present.get(value);
    if (run !== undefined) run.lastMs = timeMs;
    else {
      const begun: Run = { value, firstMs: timeMs, index, lastMs: timeMs };
      this.#present.set(value, begun);
      this.#checks.add(timeMs, begun);
      this.#level = this.#measure.of(this.#present);
    }
    if (this.#level < this.#measure.least) return;
    if (this.#episodes.isHolding) this.#episodes.extend(timeMs, this.#level);
    else this.#episodes.begin(timeMs, this.#level, index, () => samplesOf(this.#present.values()));
  }

  /** Takes what has left the window by a time out of it, one moment after the other. */
  #expire(timeMs: number): void {
    while (this.#checks.firstMs + this.#spanMs <= timeMs) {
      const { atMs, item: run } = this.#checks.take()!;
      if (this.#present.get(run.value) !== run) continue;
      if (run.lastMs > atMs) {
        this.#checks.add(run.lastMs, run);
        continue;
      }
      this.#present.delete(run.value);
      this.#past.push(run);
      this.#level = this.#measure.of(this.#present);
      if (this.#level < this.#measure.least) this.#episodes.end(run.lastMs + this.#spanMs);
    }
  }

  #addLate(timeMs: number, index: number, value: string | number): void {
    // Otherwise the value was in the window all the time that this event keeps it there.
    if (!this.#place(timeMs, index, value)) {
      this.#episodes.include(timeMs);
      return;
    }
    this.#level = this.#measure.of(this.#present);
    const untilMs = Math.min(timeMs + this.#spanMs, this.#latestMs);
    for (const { completedBy, ...stretch } of this.#stretches(timeMs, untilMs, index))
      this.#episodes.unite(stretch, index, completedBy, () => samplesOf(this.#runsAt(stretch.startMs)));
  }

  /** Puts an event into the run that it belongs to; false when it changes nothing but how often the value occurred. */
  #place(timeMs: number, index: number, value: string | number): boolean {
    const span = this.#spanMs;
    const run: Run = { value, firstMs: timeMs, index, lastMs: timeMs };
    const now = this.#present.get(value);
    const touched = this.#past.filter(
      (other) => other.value === value && other.firstMs <= timeMs + span && other.lastMs + span >= timeMs,
    );
    if (now !== undefined && now.firstMs <= timeMs + span && now.lastMs + span >= timeMs) touched.push(now);
    if (touched.some(({ firstMs, lastMs }) => firstMs <= timeMs && timeMs <= lastMs)) return false;
    for (const other of touched) {
      if (other.firstMs < run.firstMs) [run.firstMs, run.index] = [other.firstMs, other.index];
      run.lastMs = Math.max(run.lastMs, other.lastMs);
    }
    this.#past = this.#past.filter((other) => !touched.includes(other));
    if (run.lastMs + span <= this.#latestMs) this.#past.push(run);
    else {
      this.#present.set(value, run);
      this.#checks.add(run.lastMs, run);
    }
    return true;
  }

  #lastWithin(startMs: number, endMs: number): number {
    return Math.max(startMs, this.#times.lastBefore(endMs) ?? startMs);
  }

  #runsAt(timeMs: number): Run[] {
    return [...this.#past, ...this.#present.values()].filter(
      ({ firstMs, lastMs }) => firstMs <= timeMs && timeMs < lastMs + this.#spanMs,
    );
  }

  /** When the condition holds within a time, out of all runs; `index` is of the event that the time begins with. */
  #stretches(fromMs: number, untilMs: number, index: number): FoundStretch[] {
    const present = new Map<string | number, Run>();
    const changes: Change[] = [];
    for (const run of [...this.#past, ...this.#present.values()]) {
      const endMs = run.lastMs + this.#spanMs;
      if (endMs <= fromMs || run.firstMs > untilMs) continue;
      if (run.firstMs <= fromMs) present.set(run.value, run);
      else changes.push({ atMs: run.firstMs, run, isIn: true });
      if (endMs <= untilMs) changes.push({ atMs: endMs, run, isIn: false });
    }
    changes.sort((a, b) => a.atMs - b.atMs || Number(a.isIn) - Number(b.isIn));
    const found: FoundStretch[] = [];
    let open: { startMs: number; peak: number; completedBy: number } | undefined;
    const judge = (atMs: number, completedBy: number): void => {
      const level = this.#measure.of(present);
      if (level >= this.#measure.least) {
        open ??= { startMs: atMs, peak: level, completedBy };
        open.peak = Math.max(open.peak, level);
      } else if (open !== undefined) {
        found.push({ ...open, endMs: atMs, lastMs: this.#lastWithin(open.startMs, atMs) });
        open = undefined;
      }
    };
    judge(fromMs, index);
    for (let i = 0; i < changes.length; ) {
      const { atMs } = changes[i]!;
      let completedBy = -1;
      // All that changes at one moment, before it is judged.
      for (; changes[i]?.atMs === atMs; i++) {
        const { run, isIn } = changes[i]!;
        if (isIn) {
          present.set(run.value, run);
          completedBy = run.index;
        } else if (present.get(run.value) === run) present.delete(run.value);
      }
      judge(atMs, completedBy);
    }
    if (open !== undefined) {
      const endMs = untilMs === this.#latestMs ? Number.POSITIVE_INFINITY : untilMs;
      found.push({ ...open, endMs, lastMs: this.#lastWithin(open.startMs, endMs) });
    }
    return found;
  }
}

type FoundStretch = Stretch & { readonly completedBy: number };

/** A value that comes into the window, or leaves it. */
interface Change {
  readonly atMs: number;
  readonly run: Run;
  readonly isIn: boolean;
}

/** The events with which the first of these runs began. */
function samplesOf(runs: Iterable<Run>): number[] {
  const first: Run[] = [];
  for (const run of runs) {
    if (first.length === maxSamples && !isBefore(run, first[maxSamples - 1]!)) continue;
    first.splice(first.findLastIndex((other) => isBefore(other, run)) + 1, 0, run);
    first.length = Math.min(first.length, maxSamples);
  }
  return first.map(({ index }) => index);
}

const isBefore = (a: Run, b: Run): boolean =>
  a.firstMs === b.firstMs ? a.index < b.index : a.firstMs < b.firstMs;
