import {
  Correlator,
  type CorrelatorChanges,
  type Group,
  groupOf,
  type MatchedEvent,
  type SavedCorrelator,
} from './correlate/correlator.ts';
import { Deadlines } from './correlate/deadlines.ts';
import type { Episode } from './correlate/episode.ts';
import type { RuleEvent } from './event-fields.ts';
import type { LoadedCorrelation, LoadedRule, LoadedRules } from './load.ts';
import type { Logsource } from './rule-schema.ts';
import { RuleSet } from './rule-set.ts';

/** An event with what a source calls it: what one producer sends can be seen as an event of several sources. */
export interface SourcedEvent {
  readonly event: RuleEvent;
  readonly logsource: Logsource;
}

/** Something to be looked at. */
export interface DetectorInput {
  readonly views: readonly SourcedEvent[];
  /** When it happened, in milliseconds since 1970. */
  readonly timeMs: number;
  /** When it was received: what claims to have happened later happened then. */
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
  readonly correlators: ReadonlyMap<string, T>;
}

/** Where a match of a rule goes: a correlation and the place of the rule in its list. */
interface Feed {
  readonly to: number;
  readonly place: number;
}

/** Rules made ready for detectors: what any number of logs share. Used by one thread at a time. */
export class CompiledRules {
  readonly rules: readonly LoadedRule[];
  readonly correlations: readonly LoadedCorrelation[];
  readonly ruleSet: RuleSet;
  /** By the number of a rule, and of a correlation: where its matches go. */
  readonly ruleFeeds: readonly (readonly Feed[])[];
  readonly correlationFeeds: readonly (readonly Feed[])[];
  /**
   * By the number of a rule, and of a correlation: whether it is a finding by itself. What correlations are over is none,
   * unless one of them generates it, or it says so itself.
   */
  readonly isRuleFinding: readonly boolean[];
  readonly isCorrelationFinding: readonly boolean[];
  /** By the number of a correlation: whether it is over other ones. */
  readonly isOuter: readonly boolean[];

  /** @throws RuleError */
  constructor({ rules, correlations }: Pick<LoadedRules, 'rules' | 'correlations'>) {
    this.rules = rules;
    this.correlations = correlations;
    this.ruleSet = new RuleSet(
      rules.map(({ document, detection }) => ({ logsource: document.logsource, detection })),
    );
    const feedsOf = ({ key }: { readonly key: string }): Feed[] =>
      correlations.flatMap(({ rules: names }, to) =>
        names.flatMap((name, place) => (name === key ? [{ to, place }] : [])),
      );
    this.ruleFeeds = rules.map(feedsOf);
    this.correlationFeeds = correlations.map(feedsOf);
    const isFinding = ({ document }: LoadedRule | LoadedCorrelation, feeds: readonly Feed[]): boolean =>
      document.header.sealtrail?.finding ??
      (feeds.length === 0 || feeds.some(({ to }) => correlations[to]!.document.correlation.generate));
    this.isRuleFinding = rules.map((rule, number) => isFinding(rule, this.ruleFeeds[number]!));
    this.isCorrelationFinding = correlations.map((rule, number) =>
      isFinding(rule, this.correlationFeeds[number]!),
    );
    const inner = new Set(correlations.map(({ key }) => key));
    this.isOuter = correlations.map(({ rules: keys }) => keys.some((key) => inner.has(key)));
  }
}

/**
 * Rules and correlations over a log. What it comes to follows from the events and the order in which they are in the log:
 * how they are cut into batches, and how often it is stopped and loaded again, changes nothing.
 */
export class Detector {
  readonly #compiled: CompiledRules;
  /** By the number of a correlation, from its first match on. */
  readonly #correlators: (Correlator | undefined)[];
  readonly #latenessMs: number;
  readonly #onMatch: DetectorOptions['onMatch'];
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

  constructor(compiled: CompiledRules, { latenessMs, onMatch }: DetectorOptions) {
    this.#compiled = compiled;
    this.#correlators = compiled.correlations.map(() => undefined);
    this.#latenessMs = latenessMs;
    this.#onMatch = onMatch;
  }

  /** Everything up to this time is final: what happened until then and comes now is too late for correlations. */
  get watermarkMs(): number {
    return this.#watermarkMs;
  }

  /** Groups that correlations hold. */
  get groups(): number {
    return this.#correlators.reduce((sum, correlator) => sum + (correlator?.groups ?? 0), 0);
  }

  /** Looks at events in the order in which they are in the log. */
  take(inputs: readonly DetectorInput[]): DetectorOutput {
    const { ruleSet, rules, isRuleFinding } = this.#compiled;
    const matches: MatchFinding[] = [];
    let late = 0;
    for (const input of inputs) {
      const timeMs = Math.min(input.timeMs, input.receivedMs);
      const isLate = timeMs <= this.#watermarkMs;
      if (isLate) late++;
      for (const view of input.views) {
        const numbers = ruleSet.matches(view.event, view.logsource);
        for (const number of numbers) {
          this.#onMatch?.(rules[number]!, input);
          if (isRuleFinding[number]) matches.push({ kind: 'match', rule: rules[number]!, input, view });
        }
        if (!isLate && numbers.length > 0) this.#feed(numbers, view.event, input, timeMs);
      }
      this.#watermarkMs = Math.max(this.#watermarkMs, timeMs - this.#latenessMs);
    }
    this.#advance();
    return { matches, episodes: this.#takeEpisodes(), late };
  }

  /** Ends what is open: nothing comes any more at or before a time, infinity for never. */
  finish(untilMs: number = Number.MAX_SAFE_INTEGER): readonly EpisodeFinding[] {
    this.#watermarkMs = Math.max(this.#watermarkMs, untilMs);
    this.#advance();
    return this.#takeEpisodes();
  }

  /** What is to be kept of it beyond what was kept before: all of it together is what `load` takes. */
  takeChanges(): SavedDetector<CorrelatorChanges> {
    return {
      watermarkMs: Number.isFinite(this.#watermarkMs) ? this.#watermarkMs : null,
      correlators: new Map(
        this.#correlators.flatMap((one) => (one === undefined ? [] : [[one.key, one.takeChanges()]])),
      ),
    };
  }

  load({ watermarkMs, correlators }: SavedDetector): void {
    this.#watermarkMs = watermarkMs ?? Number.NEGATIVE_INFINITY;
    for (const [number, { key }] of this.#compiled.correlations.entries()) {
      const saved = correlators.get(key);
      if (saved === undefined) continue;
      const correlator = this.#correlator(number);
      correlator.load(saved, this.#watermarkMs);
      for (const [key, episode] of correlator.episodes()) {
        // Of all that began until then correlations over it have been told.
        episode.isFired = episode.startMs <= this.#watermarkMs;
        this.#awaitFiring(number, key, episode);
      }
    }
  }

  #correlator(number: number): Correlator {
    let correlator = this.#correlators[number];
    if (correlator === undefined) {
      const { correlations, isOuter } = this.#compiled;
      correlator = new Correlator(correlations[number]!, isOuter[number]!, (key, episode) =>
        this.#noteEpisode(number, key, episode),
      );
      this.#correlators[number] = correlator;
    }
    return correlator;
  }

  #feed(numbers: readonly number[], event: RuleEvent, input: DetectorInput, timeMs: number): void {
    const feeds = numbers.flatMap((number) => this.#compiled.ruleFeeds[number]!);
    if (feeds.length === 0) return;
    const { index, partition } = input;
    this.#addTo({ event, timeMs, index, partition }, feeds);
  }

  #addTo(matched: MatchedEvent, feeds: readonly Feed[]): void {
    if (feeds.length === 1) {
      this.#correlator(feeds[0]!.to).add(matched, [feeds[0]!.place]);
      return;
    }
    const places = new Map<number, number[]>();
    for (const { to, place } of feeds) {
      const known = places.get(to);
      if (known === undefined) places.set(to, [place]);
      else known.push(place);
    }
    for (const [to, list] of places)
      this.#correlator(to).add(
        matched,
        list.sort((a, b) => b - a),
      );
  }

  /** Lets correlations know how far it is, those first that others are over. */
  #advance(): void {
    for (let number = 0; number < this.#correlators.length; number++) {
      this.#fire();
      this.#correlators[number]?.advance(this.#watermarkMs);
    }
    this.#fire();
  }

  /** Tells outer correlations of the episodes of inner ones that nothing can come before any more. */
  #fire(): void {
    while (this.#firings.firstMs <= this.#watermarkMs) {
      const { atMs, item } = this.#firings.take()!;
      const { number, key, episode } = item;
      if (episode.startMs !== atMs || episode.mergedInto !== undefined || episode.isFired) continue;
      episode.isFired = true;
      const group = groupOf(key);
      const fields = this.#compiled.correlations[number]!.document.correlation.groupBy;
      const event = Object.fromEntries(fields.map((field, i) => [field, group.values[i]]));
      const matched = { event, timeMs: atMs, index: episode.completedBy, partition: group.partition };
      this.#addTo(matched, this.#compiled.correlationFeeds[number]!);
    }
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
    if (this.#compiled.correlationFeeds[number]!.length === 0 || isFired) return;
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
