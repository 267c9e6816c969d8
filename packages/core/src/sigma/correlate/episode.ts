/** Something that counts in a correlation: a match of one of its rules, as one group sees it. */
export interface Occurrence {
  /** Event time in milliseconds since 1970. */
  readonly timeMs: number;
  /** Where the event stands in what is evaluated: tells events of the same time apart, and never repeats. */
  readonly index: number;
  /** Which of the correlation's rules matched, by its place in the list. */
  readonly rule: number;
  /** What is measured or told apart, where the correlation has a field. */
  readonly value?: string | number;
}

/**
 * A time during which the condition of a correlation held for a group, without interruption. It is told when it begins;
 * what comes later, or late, amends it.
 */
export interface Episode {
  /** When the condition began to hold: the time of the event that completed it. */
  startMs: number;
  /** When it ceased to; infinite while it holds. */
  endMs: number;
  /** Time of the last event that counted while it held; where none did after it began, `startMs`. */
  lastMs: number;
  /** The largest count, number of values or value measured in one window. */
  peak: number;
  /** The event with which it was first seen; with the group it names the episode. */
  readonly raisedAt: number;
  /** `startMs` when it was first seen. */
  readonly raisedMs: number;
  /** The event that stands at `startMs`. */
  completedBy: number;
  /** The value that it is about, where it is about one: it names the episode, too. */
  readonly value?: string;
  /** Some of the events that led to it, oldest first. */
  readonly samples: readonly number[];
  /** Whether correlations over this one have been told. */
  isFired?: boolean;
  /** Another episode that this one has become a part of, since a late event closed the gap between them. */
  mergedInto?: Episode;
}

/** An episode at rest. JSON knows no infinity. */
export type SavedEpisode = Omit<Episode, 'endMs' | 'isFired' | 'mergedInto'> & {
  readonly endMs: number | null;
};

/** A stretch of an episode, as it is found. */
export type Stretch = Pick<Episode, 'startMs' | 'endMs' | 'lastMs' | 'peak'>;

/** Events kept as samples of an episode. */
export const maxSamples = 10;

/** Told of each episode of a group that is new or has changed. */
export type EpisodeListener = (key: string, episode: Episode) => void;

/** The episodes of a group that late events can still change, by rising start, none touching the next. */
export class Episodes {
  readonly #key: string;
  readonly #listener: EpisodeListener;
  #list: Episode[] = [];

  constructor(key: string, listener: EpisodeListener) {
    this.#key = key;
    this.#listener = listener;
  }

  get isEmpty(): boolean {
    return this.#list.length === 0;
  }

  /** Whether the condition holds as of the last event. */
  get isHolding(): boolean {
    return this.last?.endMs === Number.POSITIVE_INFINITY;
  }

  /** The one that holds, or held last. */
  get last(): Episode | undefined {
    return this.#list[this.#list.length - 1];
  }

  /** Begins an episode behind the others, or goes on with the last where it ended at this very time. */
  begin(startMs: number, peak: number, raisedAt: number, samples: () => readonly number[]): void {
    const { last } = this;
    if (last !== undefined && last.endMs >= startMs) {
      last.endMs = Number.POSITIVE_INFINITY;
      this.extend(startMs, peak);
      return;
    }
    const episode: Episode = {
      startMs,
      endMs: Number.POSITIVE_INFINITY,
      lastMs: startMs,
      peak,
      raisedAt,
      raisedMs: startMs,
      completedBy: raisedAt,
      samples: samples(),
    };
    this.#list.push(episode);
    this.#changed(episode);
  }

  /** One more event in the last episode. */
  extend(timeMs: number, peak: number): void {
    const last = this.last!;
    if (timeMs > last.lastMs) last.lastMs = timeMs;
    if (peak > last.peak) last.peak = peak;
    this.#changed(last);
  }

  /** A late event in the midst of an episode, which changes nothing but what was last. */
  include(timeMs: number): void {
    const episode = this.#list.find(({ startMs, endMs }) => startMs <= timeMs && timeMs < endMs);
    if (episode === undefined || timeMs <= episode.lastMs) return;
    episode.lastMs = timeMs;
    this.#changed(episode);
  }

  /** The last episode has ended. */
  end(endMs: number): void {
    if (!this.isHolding) return;
    const last = this.last!;
    last.endMs = endMs;
    this.#changed(last);
  }

  /**
   * Adds what a late event made true. Episodes that it touches become one: the one that was told first stays.
   *
   * @param completedBy the event at the start of the stretch
   */
  unite(stretch: Stretch, raisedAt: number, completedBy: number, samples: () => readonly number[]): void {
    const touched = this.#list.filter(
      ({ startMs, endMs }) => startMs <= stretch.endMs && endMs >= stretch.startMs,
    );
    if (touched.length === 0) {
      const episode: Episode = {
        ...stretch,
        raisedAt,
        raisedMs: stretch.startMs,
        completedBy,
        samples: samples(),
      };
      this.#list.push(episode);
      this.#list.sort((a, b) => a.startMs - b.startMs);
      this.#changed(episode);
      return;
    }
    const kept = touched.reduce((first, other) => (comesFirst(other, first) ? other : first));
    if (stretch.startMs < kept.startMs) [kept.startMs, kept.completedBy] = [stretch.startMs, completedBy];
    for (const other of touched) {
      if (other === kept) continue;
      if (other.startMs < kept.startMs) [kept.startMs, kept.completedBy] = [other.startMs, other.completedBy];
      if (other.isFired) kept.isFired = true;
      other.mergedInto = kept;
      this.#changed(other);
    }
    for (const { endMs, lastMs, peak } of [stretch, ...touched]) {
      kept.endMs = Math.max(kept.endMs, endMs);
      kept.lastMs = Math.max(kept.lastMs, lastMs);
      kept.peak = Math.max(kept.peak, peak);
    }
    this.#list = this.#list.filter(({ mergedInto }) => mergedInto === undefined);
    this.#changed(kept);
  }

  /** Lets go of episodes that ended at or before a time. */
  forget(beforeMs: number): void {
    while (this.#list.length > 0 && this.#list[0]!.endMs <= beforeMs) this.#list.shift();
  }

  /** Those that late events can still change. */
  get list(): readonly Episode[] {
    return this.#list;
  }

  #changed(episode: Episode): void {
    this.#listener(this.#key, episode);
  }

  save(): readonly SavedEpisode[] {
    return this.#list.map(({ isFired: _, ...episode }) => ({
      ...episode,
      endMs: Number.isFinite(episode.endMs) ? episode.endMs : null,
    }));
  }

  load(list: readonly SavedEpisode[]): void {
    this.#list = list.map((episode) => ({ ...episode, endMs: episode.endMs ?? Number.POSITIVE_INFINITY }));
  }
}

const comesFirst = (a: Episode, b: Episode): boolean =>
  a.raisedAt === b.raisedAt ? a.raisedMs < b.raisedMs : a.raisedAt < b.raisedAt;
