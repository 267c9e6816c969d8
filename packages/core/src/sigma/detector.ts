import { CompiledRules, type Feed } from './compiled-rules.ts';
import {
  Correlator,
  type CorrelatorChanges,
  type Group,
  groupOf,
  type SavedCorrelator,
} from './correlate/correlator.ts';
import { Deadlines } from './correlate/deadlines.ts';
import type { Episode } from './correlate/episode.ts';
import type { MatchedEvent } from './correlate/event-reader.ts';
import type { Spill } from './correlate/group-store.ts';
import { WaitingEntries } from './correlate/waiting-entries.ts';
import { DerivedFields } from './derived-fields.ts';
import type { RuleEvent } from './event-fields.ts';
import type { LoadedCorrelation, LoadedRule } from './load.ts';
import type { Locate } from './locate.ts';
import type { EventSource } from './logsource.ts';
import { partOf } from './rule-part.ts';

/** An event with what a source calls it: what one producer sends can be seen as an event of several sources. */
export interface SourcedEvent {
  readonly event: RuleEvent;
  readonly logsource: EventSource;
}

/** Something to be looked at. */
export interface DetectorInput {
  readonly views: readonly SourcedEvent[];
  /** When it happened, in milliseconds since 1970. */
  readonly timeMs: number;
  /** When it was received: what claims to have happened later happened then. `Number.MAX_SAFE_INTEGER`: nobody knows. */
  readonly receivedMs: number;
  /** Rising; names it in findings. */
  readonly index: number;
  /** Keeps groups of correlations apart: a tenant. */
  readonly partition: string;
}

/** A rule over single events found one. */
export interface MatchFinding {
  readonly kind: 'match';
  readonly rule: LoadedRule;
  readonly input: DetectorInput;
  /** Which of the views matched. */
  readonly view: SourcedEvent;
}

/** A correlation holds for a group, or what is known of that has changed. */
export interface EpisodeFinding {
  readonly kind: 'episode';
  readonly rule: LoadedCorrelation;
  readonly group: Group;
  readonly episode: Episode;
}

export interface DetectorOptions {
  /** How long events may be behind the latest one and still count in correlations, in milliseconds. */
  readonly latenessMs: number;
  /** Says where addresses are; without it rules that need that find nothing: see `withoutLocations`. */
  readonly locate?: Locate | undefined;
  /** Where groups of correlations go that are too many to be held in memory; absent: all are held. */
  readonly spill?: Spill | undefined;
  /** Told of each rule that matches, also where that is no finding by itself. */
  readonly onMatch?: (rule: LoadedRule, input: DetectorInput) => void;
}

/** What a detector came to in a batch. */
export interface DetectorOutput {
  readonly matches: readonly MatchFinding[];
  /** Each episode once, as it is at the end of the batch. */
  readonly episodes: readonly EpisodeFinding[];
  /** Events that came too late for correlations. Rules over single events saw them. */
  readonly late: number;
}

/** A detector at rest: by the keys of correlations. */
export interface SavedDetector<T extends SavedCorrelator = SavedCorrelator> {
  /** Null before the first event. */
  readonly watermarkMs: number | null;
  /** Indexes, from and up to but without, among which the events are that wait for the watermark: for `refill`. */
  readonly waiting: readonly (readonly [from: number, to: number])[];
  readonly correlators: ReadonlyMap<string, T>;
}

const noFeeds: readonly Feed[] = [];

/** Takes past events for correlations that are new to a detector. */
export interface Learner {
  take(inputs: readonly DetectorInput[]): void;
  /** Hands over what was learnt. The detector is then as if it had had the correlations all the time. */
  finish(): void;
}

/**
 * Rules and correlations over a log. What it comes to follows from the events and the order in which they are in the log:
 * how they are cut into batches, and how often it is stopped and loaded again, changes nothing.
 */
export class Detector {
  readonly #compiled: CompiledRules;
  /** By the number of a correlation, from its first match on. */
  readonly #correlators: (Correlator | undefined)[];
  readonly #waiting: WaitingEntries = new WaitingEntries();
  /** Numbers of the correlations whose state was kept, of which nothing is known yet that waits. */
  readonly #loaded: Set<number> = new Set();
  readonly #options: DetectorOptions;
  readonly #derived: DerivedFields;
  /** By the number of a correlation that others are over: its episodes, until nothing can come before them. */
  readonly #firings: Deadlines<{
    readonly number: number;
    readonly key: string;
    readonly episode: Episode;
  }> = new Deadlines();
  /** Where those that are waited for begin. */
  readonly #awaited: WeakMap<Episode, number> = new WeakMap();
  #changed: Map<Episode, EpisodeFinding> = new Map();
  #watermarkMs = Number.NEGATIVE_INFINITY;
  /** The latest receipt of an entry, and the time that the clock was last said to be. */
  #heardMs = Number.NEGATIVE_INFINITY;
  #clockMs = Number.NEGATIVE_INFINITY;
  readonly #gaveUp: Map<string, number> = new Map();
  /** By the number of a correlation: the places of its rules that an event matched, until it is told of them. */
  readonly #places: (number[] | undefined)[];

  constructor(compiled: CompiledRules, options: DetectorOptions) {
    this.#compiled = compiled;
    this.#correlators = compiled.correlations.map(() => undefined);
    this.#places = compiled.correlations.map(() => undefined);
    this.#options = options;
    this.#derived = new DerivedFields(compiled.classifyAgent, options.locate);
  }

  /** Everything up to this time is final: what happened until then and comes now is too late for correlations. */
  get watermarkMs(): number {
    return this.#watermarkMs;
  }

  /**
   * The earliest event time at which something is decided once the watermark comes to it: what waits for it to be told, and
   * what is known of to end. Infinite when nothing waits.
   */
  get waitingMs(): number {
    let earliest = this.#firings.firstMs;
    for (const [number, correlator] of this.#correlators.entries())
      if (correlator !== undefined && !this.#compiled.isHeard[number])
        earliest = Math.min(earliest, correlator.waitingMs);
    return earliest;
  }

  /** Groups that correlations hold. */
  get groups(): number {
    return this.#correlators.reduce((sum, correlator) => sum + (correlator?.groups ?? 0), 0);
  }

  /**
   * What correlations had to give up because it was more than they may hold, by their keys: values of `new_terms` that will
   * be new again, gaps that were told too early, events far beyond a count. Each time counts once; docs/decisions/0010 says what
   * follows of it.
   */
  get gaveUp(): ReadonlyMap<string, number> {
    return this.#gaveUp;
  }

  /** Looks at events in the order in which they are in the log. */
  take(inputs: readonly DetectorInput[]): DetectorOutput {
    const { ruleSet, rules, isRuleFinding, rulePoints, ruleFeeds, heardFeeds } = this.#compiled;
    const { latenessMs, onMatch } = this.#options;
    const matches: MatchFinding[] = [];
    let late = 0;
    for (const input of inputs) {
      const timeMs = Math.min(input.timeMs, input.receivedMs);
      const isLate = timeMs <= this.#watermarkMs;
      if (isLate) late++;
      const heardMs = input.receivedMs < Number.MAX_SAFE_INTEGER ? input.receivedMs : timeMs;
      this.#heardMs = Math.max(this.#heardMs, heardMs);
      let weighed: number[] | undefined;
      for (const view of input.views) {
        const numbers = ruleSet.matches(view.event, view.logsource, this.#derived.valuesOf);
        for (const number of numbers) {
          onMatch?.(rules[number]!, input);
          if (!isRuleFinding[number]) continue;
          matches.push({ kind: 'match', rule: rules[number]!, input, view });
          // Whatever is seen of an event, and however often, is one finding of a rule.
          if (isLate || rulePoints[number] === 0 || weighed?.includes(number)) continue;
          weighed ??= [];
          weighed.push(number);
          this.#weigh(number, view.event, input, timeMs, false);
        }
        if (numbers.length === 0) continue;
        if (!isLate) this.#feed(numbers, ruleFeeds, view.event, input, timeMs, false);
        this.#feed(numbers, heardFeeds, view.event, input, this.#heardMs, false);
      }
      this.#watermarkMs = Math.max(this.#watermarkMs, timeMs - latenessMs);
    }
    this.#advance();
    return { matches, episodes: this.#takeEpisodes(), late };
  }

  /**
   * Takes events again that were waiting for the watermark when its state was kept: to be called after `load`, and before
   * `take`, with those in the ranges that were kept.
   */
  refill(inputs: readonly DetectorInput[]): void {
    const { ruleSet, isRuleFinding, rulePoints, ruleFeeds } = this.#compiled;
    for (const input of inputs) {
      const timeMs = Math.min(input.timeMs, input.receivedMs);
      if (timeMs <= this.#watermarkMs) continue;
      const weighed = new Set<number>();
      for (const view of input.views) {
        const numbers = ruleSet.matches(view.event, view.logsource, this.#derived.valuesOf);
        for (const number of numbers) {
          if (!isRuleFinding[number] || rulePoints[number] === 0 || weighed.has(number)) continue;
          weighed.add(number);
          this.#weigh(number, view.event, input, timeMs, true);
        }
        this.#feed(numbers, ruleFeeds, view.event, input, timeMs, true);
      }
    }
  }

  /** Ends what is open: nothing comes any more at or before a time, infinity for never. */
  finish(untilMs: number = Number.MAX_SAFE_INTEGER): readonly EpisodeFinding[] {
    this.#watermarkMs = Math.max(this.#watermarkMs, untilMs);
    this.#advance();
    return this.#takeEpisodes();
  }

  /**
   * Lets the clock go on where nothing is received, for correlations that wait for something not to come: `silence`.
   * Nothing else moves: the watermark follows from events alone, since those that come late after an outage are still to
   * count. What is told by the clock is what the next entry of the log would tell, with the same name, so it need not be
   * kept that it was told: after a crash it is told again, and is the same finding.
   *
   * @param nowMs by the clock that receipts are stamped with; all entries received before then have been taken
   */
  tick(nowMs: number): readonly EpisodeFinding[] {
    this.#clockMs = Math.max(this.#clockMs, nowMs);
    this.#advanceHeard();
    return this.#takeEpisodes();
  }

  /**
   * Learns for correlations that are new to it what came before they were, without telling of it. To be given the entries
   * before those that `take` will be given next, in their order, as far back as the correlations look.
   *
   * @param keys of correlations that have seen nothing yet
   * @throws RuleError
   */
  learner(keys: ReadonlySet<string>): Learner {
    const compiled = new CompiledRules(partOf(this.#compiled, keys));
    // The store is the detector's own; what is learnt goes there when it is handed over.
    const { onMatch: _, spill: __, ...options } = this.#options;
    const apprentice = new Detector(compiled, options);
    return {
      take: (inputs) => void apprentice.take(inputs),
      finish: () => {
        // What the clock has moved it by no entry tells.
        apprentice.finish(this.#watermarkMs);
        const taught = new Map(apprentice.#correlators.map((one) => [one?.key, one]));
        for (const [number, { key }] of this.#compiled.correlations.entries()) {
          const one = taught.get(key);
          if (one === undefined || !keys.has(key)) continue;
          const correlator = this.#correlator(number);
          correlator.takeOver(one, this.#timeOf(number, apprentice.#watermarkMs));
          this.#awaitFirings(number, correlator, apprentice.#watermarkMs);
        }
        this.#waiting.join(apprentice.#waiting);
      },
    };
  }

  /** What is to be kept of it beyond what was kept before: all of it together is what `load` takes. */
  takeChanges(): SavedDetector<CorrelatorChanges> {
    return {
      watermarkMs: Number.isFinite(this.#watermarkMs) ? this.#watermarkMs : null,
      waiting: this.#waiting.ranges(this.#watermarkMs),
      correlators: new Map(
        this.#correlators.flatMap((one) => (one === undefined ? [] : [[one.key, one.takeChanges()]])),
      ),
    };
  }

  /** Events that waited are to be given to `refill`. */
  load({ watermarkMs, correlators }: SavedDetector): void {
    this.#watermarkMs = watermarkMs ?? Number.NEGATIVE_INFINITY;
    for (const [number, { key }] of this.#compiled.correlations.entries()) {
      const saved = correlators.get(key);
      if (saved === undefined) continue;
      this.#loaded.add(number);
      // Of most of them nothing is known: they come to be when something is.
      if (saved.groups.length === 0) continue;
      const correlator = this.#correlator(number);
      correlator.load(saved, this.#timeOf(number, this.#watermarkMs), false);
      this.#awaitFirings(number, correlator, this.#watermarkMs);
    }
  }

  /** The watermark, where a correlation goes by it. */
  #timeOf(number: number, watermarkMs: number): number {
    return this.#compiled.isHeard[number] ? Number.NEGATIVE_INFINITY : watermarkMs;
  }

  #awaitFirings(number: number, correlator: Correlator, watermarkMs: number): void {
    for (const [key, episode] of correlator.episodes()) {
      // Of all that began until then correlations over it have been told.
      episode.isFired = episode.startMs <= watermarkMs;
      this.#awaitFiring(number, key, episode);
    }
  }

  #correlator(number: number): Correlator {
    let correlator = this.#correlators[number];
    if (correlator === undefined) {
      const { correlations, isOuter } = this.#compiled;
      const rule = correlations[number]!;
      correlator = new Correlator(rule, isOuter[number]!, {
        changed: (key, episode) => this.#noteEpisode(number, key, episode),
        gaveUp: () => this.#gaveUp.set(rule.key, (this.#gaveUp.get(rule.key) ?? 0) + 1),
        latenessMs: this.#options.latenessMs,
        spill: this.#options.spill,
        locate: this.#options.locate,
        valuesOf: this.#derived.valuesOf,
      });
      this.#correlators[number] = correlator;
    }
    return correlator;
  }

  #feed(
    numbers: readonly number[],
    feedsOf: readonly (readonly Feed[])[],
    event: RuleEvent,
    { index, partition }: DetectorInput,
    timeMs: number,
    isAgain: boolean,
  ): void {
    let feeds = noFeeds;
    let joined: Feed[] | undefined;
    for (const number of numbers) {
      const more = feedsOf[number]!;
      // Mostly one of the rules at the most feeds any.
      if (feeds.length === 0) feeds = more;
      else if (more.length > 0) {
        joined ??= [...feeds];
        for (const feed of more) joined.push(feed);
        feeds = joined;
      }
    }
    if (feeds.length === 0) return;
    this.#addTo({ event, timeMs, index, partition, watermarkMs: this.#watermarkMs, isAgain }, feeds);
  }

  /** Adds what a match weighs to the risk of whom it is about, as the view says that matched, else as another one does. */
  #weigh(
    number: number,
    event: RuleEvent,
    { views, index, partition }: DetectorInput,
    timeMs: number,
    isAgain: boolean,
  ): void {
    const points = this.#compiled.rulePoints[number]!;
    const events = [event, ...views.map((view) => view.event)];
    for (const { to, fields } of this.#compiled.riskFeeds) {
      const about = events.find((one) => fields.every((field) => this.#derived.valuesOf(one, field)));
      if (about === undefined) continue;
      const { watermarkMs } = this;
      const matched = { event: about, timeMs, index, partition, watermarkMs, isAgain, points };
      this.#tell(to, matched, [0]);
    }
  }

  #addTo(matched: MatchedEvent, feeds: readonly Feed[]): void {
    for (let i = 0; i < feeds.length; i++) {
      const { to, place } = feeds[i]!;
      const known = this.#places[to];
      if (known === undefined) this.#places[to] = [place];
      else known.push(place);
    }
    try {
      for (let i = 0; i < feeds.length; i++) {
        const { to } = feeds[i]!;
        const places = this.#places[to];
        if (places === undefined) continue;
        this.#places[to] = undefined;
        if (places.length > 1) places.sort((a, b) => b - a);
        this.#tell(to, matched, places);
      }
    } finally {
      // Where one fails, since a store does, the next event is not told of for this one.
      for (let i = 0; i < feeds.length; i++) this.#places[feeds[i]!.to] = undefined;
    }
  }

  #tell(number: number, matched: MatchedEvent, places: readonly number[]): void {
    const isNew = this.#correlators[number] === undefined;
    const correlator = this.#correlator(number);
    // It was there, with nothing but what waits.
    if (isNew && matched.isAgain && this.#loaded.has(number))
      correlator.load({ groups: [] }, this.#timeOf(number, this.#watermarkMs), false);
    const { timeMs, index } = matched;
    // What is told at its turn does not wait.
    if (correlator.isOrdered && timeMs > this.#watermarkMs) this.#waiting.add(index, timeMs);
    if (!matched.isAgain) correlator.add(matched, places);
    else if (this.#loaded.has(number)) correlator.refill(matched, places);
  }

  /** Lets correlations know how far it is, those first that others are over. */
  #advance(): void {
    for (let number = 0; number < this.#correlators.length; number++) {
      this.#fire();
      if (!this.#compiled.isHeard[number]) this.#correlators[number]?.advance(this.#watermarkMs);
    }
    this.#fire();
    this.#advanceHeard();
  }

  /** Events are received in their order, several at one time: nothing comes any more at an earlier one. */
  #advanceHeard(): void {
    for (const [number, isHeard] of this.#compiled.isHeard.entries())
      if (isHeard) this.#correlators[number]?.advance(Math.max(this.#heardMs, this.#clockMs) - 1);
  }

  /** Tells outer correlations of the episodes of inner ones that nothing can come before any more. */
  #fire(): void {
    while (this.#firings.firstMs <= this.#watermarkMs) {
      const { atMs, item } = this.#firings.take()!;
      const { number, key, episode } = item;
      if (episode.startMs !== atMs || episode.mergedInto !== undefined || episode.isFired) continue;
      episode.isFired = true;
      this.#tellOf(number, groupOf(key), episode);
    }
  }

  /** An episode is an event to correlations over it: it happens when it begins, and has the fields of its group. */
  #tellOf(number: number, { partition, values }: Group, episode: Episode): void {
    const { correlations, correlationFeeds, correlationPoints, riskFeeds } = this.#compiled;
    const { groupBy, aliases } = correlations[number]!.document.correlation;
    const { startMs: timeMs, completedBy: index } = episode;
    const event = Object.fromEntries(groupBy.map((field, i) => [field, values[i]]));
    const { watermarkMs } = this;
    const matched = { event, timeMs, index, partition, watermarkMs, isAgain: false };
    this.#addTo(matched, correlationFeeds[number]!);
    const points = correlationPoints[number]!;
    if (points === 0) return;
    // An alias stands for a field of each rule: whatever it is called there, it is the same one.
    const named = groupBy.flatMap((name, i) =>
      [name, ...(aliases.get(name)?.values() ?? [])].map((field) => [field, values[i]] as const),
    );
    const about = { ...matched, event: Object.fromEntries(named), points };
    for (const { to } of riskFeeds) this.#tell(to, about, [0]);
  }

  #noteEpisode(number: number, key: string, episode: Episode): void {
    if (this.#compiled.isCorrelationFinding[number] && !this.#changed.has(episode)) {
      const rule = this.#compiled.correlations[number]!;
      this.#changed.set(episode, { kind: 'episode', rule, group: groupOf(key), episode });
    }
    this.#awaitFiring(number, key, episode);
  }

  #awaitFiring(number: number, key: string, episode: Episode): void {
    const { startMs, isFired } = episode;
    const { correlationFeeds, correlationPoints } = this.#compiled;
    if ((correlationFeeds[number]!.length === 0 && correlationPoints[number] === 0) || isFired) return;
    // An episode changes with each of its events; only where it begins matters here.
    if (this.#awaited.get(episode) === startMs) return;
    this.#awaited.set(episode, startMs);
    this.#firings.add(startMs, { number, key, episode });
  }

  #takeEpisodes(): readonly EpisodeFinding[] {
    const episodes = [...this.#changed.values()];
    this.#changed = new Map();
    return episodes;
  }
}
