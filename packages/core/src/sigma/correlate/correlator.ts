import type { Correlation } from '../correlation.ts';
import type { FieldSource } from '../event-fields.ts';
import type { LoadedCorrelation } from '../load.ts';
import { Deadlines } from './deadlines.ts';
import type { Episode, Occurrence } from './episode.ts';
import { EventReader, type GroupValue, type MatchedEvent } from './event-reader.ts';
import type { Spill, StoredGroup } from './group-store.ts';
import type { SavedWindow, Window } from './window.ts';
import { planWindows, type WindowContext, type WindowOpener, type WindowPlan } from './window-plan.ts';

/** Of whom an episode tells. */
export interface Group {
  readonly partition: string;
  /** Values of the fields to group by, in their order. */
  readonly values: readonly GroupValue[];
}

/** A group at rest: its key and what its window holds. */
export type SavedGroup = readonly [key: string, window: SavedWindow];

/** A correlator at rest. What waits for the watermark is not kept: the log tells it again, see {@link Correlator.refill}. */
export interface SavedCorrelator {
  readonly groups: readonly SavedGroup[];
}
type WaitingOccurrence = readonly [key: string, occurrence: Occurrence];

/** What has changed of a correlator since it was last asked: groups that are new or different, and keys of those gone. */
export interface CorrelatorChanges extends SavedCorrelator {
  readonly gone: readonly string[];
}

/** What correlators work with. */
export interface CorrelatorContext extends WindowContext {
  /** Where groups go that are too many; undefined: all are held. */
  readonly spill: Spill | undefined;
  /** The values of a field of an event, derived ones included; undefined where there is none. */
  readonly valuesOf: FieldSource;
}

/** Groups that are let go of at a time when they are put away. */
const maxDropped = 10_000;

/**
 * One correlation over event time. Events come in any order behind the watermark; what is told of a group depends on the
 * events alone, not on their order.
 */
export class Correlator {
  readonly key: string;
  readonly #plan: WindowPlan;
  readonly #spanMs: number;
  readonly #reader: EventReader;
  readonly #open: WindowOpener;
  /** Groups of which something was heard lately, and those of which nothing was since `#turnMs`. */
  #young: Map<string, Window> = new Map();
  #old: Map<string, Window> = new Map();
  /** Event time at which the young become the old ones. */
  #turnMs = Number.NEGATIVE_INFINITY;
  /** Occurrences that wait for the watermark, where their order counts. */
  #waiting: Deadlines<WaitingOccurrence> = new Deadlines();
  /** Keys of groups that are to be looked at. */
  readonly #due: Deadlines<string> = new Deadlines();
  #watermarkMs = Number.NEGATIVE_INFINITY;
  /** Since changes were last asked for. */
  #changed: Set<Window> = new Set();
  #gone: Set<string> = new Set();
  readonly #spill: Spill | undefined;
  readonly #latenessMs: number;
  /** How long a group is remembered at the most, behind the last event of any. */
  readonly #memoryMs: number;
  #latestMs = Number.NEGATIVE_INFINITY;
  /** Groups that are put away, those of them that have changed, and how many in memory are too many. */
  #away = 0;
  #changedAway: Set<string> = new Set();
  #most: number;

  /**
   * @param isOuter whether it is over other correlations, of which nothing is told before the watermark
   * @throws RuleError
   */
  constructor({ key, document }: LoadedCorrelation, isOuter: boolean, context: CorrelatorContext) {
    const { correlation } = document;
    this.key = key;
    const plan = planWindows(correlation);
    const { foresees, ...waits } = plan;
    this.#spanMs = correlation.timespanMs;
    if (isOuter) this.#plan = { ...waits, isOrdered: true };
    else this.#plan = context.latenessMs < this.#spanMs ? plan : waits;
    this.#reader = new EventReader(correlation, plan.value, context.valuesOf, context.gaveUp);
    this.#spill = context.spill;
    this.#latenessMs = context.latenessMs;
    this.#most = context.spill?.maxGroups ?? Number.POSITIVE_INFINITY;
    this.#memoryMs = memoryOf(correlation);
    this.#open = plan.opener(context);
  }

  /** The earliest time at which something is decided once nothing comes at or before it any more; infinite for none. */
  get waitingMs(): number {
    return Math.min(this.#waiting.firstMs, this.#due.firstMs);
  }

  /** Groups that are known at the moment. */
  get groups(): number {
    return this.#young.size + this.#old.size + this.#away;
  }

  /** Whether what it is told of waits for the watermark. */
  get isOrdered(): boolean {
    return this.#plan.isOrdered;
  }

  /**
   * Takes an event that is behind the watermark.
   *
   * @param rules which of the correlation's rules matched it, by their places in its list, falling
   */
  add(matched: MatchedEvent, rules: readonly number[]): void {
    const { isOrdered, foresees } = this.#plan;
    // What is foreseen must not depend on how events are cut into batches.
    if (foresees) this.advance(matched.watermarkMs);
    if (matched.timeMs > this.#latestMs) this.#latestMs = matched.timeMs;
    this.#read(matched, rules, (key, occurrence) => {
      if (!isOrdered) this.#take(key, occurrence);
      else {
        this.#wait(key, occurrence);
        if (foresees) this.#foresee(key, occurrence);
      }
    });
  }

  /** Takes an event again that was waiting when its groups were kept: they know of it what can be told before its turn. */
  refill(matched: MatchedEvent, rules: readonly number[]): void {
    if (this.#plan.isOrdered) this.#read(matched, rules, (key, occurrence) => this.#wait(key, occurrence));
  }

  #wait(key: string, occurrence: Occurrence): void {
    this.#waiting.add(occurrence.timeMs, [key, occurrence]);
  }

  #read(
    matched: MatchedEvent,
    rules: readonly number[],
    take: (key: string, occurrence: Occurrence) => void,
  ): void {
    const { timeMs, index } = matched;
    const { isByRule } = this.#plan;
    const seen = !isByRule && rules.length > 1 ? new Set<string>() : undefined;
    for (const rule of rules) {
      const keys = this.#reader.keysOf(matched, rule);
      for (const value of this.#reader.valuesIn(matched, rule)) {
        for (const key of keys) {
          if (seen !== undefined) {
            const told = `${typeof value} ${value} ${key}`;
            if (seen.has(told)) continue;
            seen.add(told);
          }
          const occurrence: Occurrence =
            value === undefined ? { timeMs, index, rule } : { timeMs, index, rule, value };
          take(key, occurrence);
        }
      }
    }
  }

  /** Nothing comes at or before this time any more. */
  advance(watermarkMs: number): void {
    if (watermarkMs <= this.#watermarkMs) return;
    this.#watermarkMs = watermarkMs;
    while (this.#waiting.firstMs <= watermarkMs) this.#takeInOrder();
    while (this.#due.firstMs <= watermarkMs) this.#lookAtDue();
    if (watermarkMs >= this.#turnMs) {
      for (const window of this.#old.values())
        if (!window.forget(watermarkMs)) this.#young.set(window.key, window);
        else {
          this.#changed.delete(window);
          this.#gone.add(window.key);
        }
      this.#old = this.#young;
      this.#young = new Map();
      this.#turnMs = watermarkMs + this.#spanMs;
      this.#dropAway(watermarkMs);
    }
  }

  /** What is to be kept of it beyond what was kept before. */
  takeChanges(): CorrelatorChanges {
    const groups = Array.from(this.#changed, (window): SavedGroup => [window.key, window.save()]);
    for (const key of this.#changedAway) groups.push([key, this.#spill!.store.peek(this.key, key)!]);
    const gone = [...this.#gone];
    this.#changed = new Set();
    this.#changedAway = new Set();
    this.#gone = new Set();
    return { groups, gone };
  }

  /** @param isNew whether it was not kept as it is: all of it is then to be kept */
  load({ groups }: SavedCorrelator, watermarkMs: number, isNew: boolean): void {
    this.#watermarkMs = watermarkMs;
    // No event was later: of receipts that is not known, and nothing that was put away is dropped by its time.
    const isTimed = !this.#plan.isHeard && Number.isFinite(watermarkMs);
    this.#latestMs = isTimed ? watermarkMs + this.#latenessMs : Number.POSITIVE_INFINITY;
    for (const [key, saved] of groups) {
      const window = this.#open(key, saved);
      this.#old.set(key, window);
      this.#schedule(window);
      if (isNew) this.#changed.add(window);
      if (this.#old.size > this.#most) this.#putAway();
    }
  }

  /** Goes on from where another one is, which is of no use then. All of it is to be kept. */
  takeOver(other: Correlator, watermarkMs: number): void {
    this.load(other.takeChanges(), watermarkMs, true);
    this.#waiting = other.#waiting;
  }

  /** Episodes that late events can still change, with the key of their group. */
  *episodes(): Generator<readonly [key: string, episode: Episode], undefined> {
    for (const windows of [this.#old, this.#young])
      for (const window of windows.values())
        for (const episode of window.episodes) yield [window.key, episode];
    return undefined;
  }

  /** All that waits at the earliest time, as it was recorded. */
  #takeInOrder(): void {
    const atMs = this.#waiting.firstMs;
    const items: WaitingOccurrence[] = [];
    while (this.#waiting.firstMs === atMs) items.push(this.#waiting.take()!.item);
    items.sort(([, a], [, b]) => a.index - b.index || b.rule - a.rule);
    // What is due at this very time sees what comes at it.
    while (this.#due.firstMs < atMs) this.#lookAtDue();
    for (const [key, occurrence] of items) this.#take(key, occurrence);
  }

  #lookAtDue(): void {
    const { atMs, item: key } = this.#due.take()!;
    const window = this.#young.get(key) ?? this.#old.get(key) ?? this.#bringBack(key);
    if (window?.scheduledMs !== atMs) return;
    window.forget(atMs);
    this.#changed.add(window);
    this.#schedule(window);
  }

  #schedule(window: Window): void {
    const { dueMs } = window;
    window.scheduledMs = dueMs;
    if (dueMs !== Number.POSITIVE_INFINITY) this.#due.add(dueMs, window.key);
  }

  /** A group that was put away, if it was. */
  #bringBack(key: string): Window | undefined {
    if (this.#away === 0) return undefined;
    const saved = this.#spill!.store.take(this.key, key);
    if (saved === undefined) return undefined;
    this.#away--;
    const window = this.#open(key, saved);
    this.#schedule(window);
    this.#young.set(key, window);
    if (this.#changedAway.delete(key)) this.#changed.add(window);
    return window;
  }

  /** Puts away groups of which nothing was heard for longest: a part of them, so that it is seldom done. */
  #putAway(): void {
    const { store, maxGroups } = this.#spill!;
    const wanted = Math.ceil(maxGroups / 16);
    const untilMs = this.#latestMs + this.#memoryMs;
    const groups: StoredGroup[] = [];
    for (const windows of [this.#old, this.#young]) {
      for (const window of windows.values()) {
        if (groups.length >= wanted) break;
        // What late events can still change must be at hand when others are told of it.
        if (window.episodes.length > 0) continue;
        const { key } = window;
        groups.push({ key, window: window.save(), untilMs });
        windows.delete(key);
        if (this.#changed.delete(window)) this.#changedAway.add(key);
      }
    }
    if (groups.length > 0) store.put(this.key, groups);
    this.#away += groups.length;
    // Where there is nothing to put away, it is not tried again with the next event.
    this.#most = groups.length > 0 ? maxGroups : this.#young.size + this.#old.size + wanted;
  }

  #dropAway(watermarkMs: number): void {
    if (this.#away === 0) return;
    for (const key of this.#spill!.store.dropUntil(this.key, watermarkMs, maxDropped)) {
      this.#away--;
      this.#changedAway.delete(key);
      this.#gone.add(key);
    }
  }

  /** The window of a group, which something was just heard of. */
  #windowOf(key: string): Window {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    let window = this.#old.get(key);
    if (window !== undefined) this.#old.delete(key);
    else {
      window = this.#bringBack(key);
      if (window !== undefined) return window;
      window = this.#open(key);
      this.#gone.delete(key);
    }
    this.#young.set(key, window);
    return window;
  }

  #take(key: string, occurrence: Occurrence): void {
    const window = this.#windowOf(key);
    window.add(occurrence, this.#watermarkMs);
    this.#changed.add(window);
    // Mostly what is due moves on as events come; it is looked at again when the time is there.
    if (window.dueMs < window.scheduledMs) this.#schedule(window);
    if (this.#young.size + this.#old.size > this.#most) this.#putAway();
  }

  #foresee(key: string, occurrence: Occurrence): void {
    const window = this.#windowOf(key);
    window.foresee?.(occurrence, this.#watermarkMs);
    this.#changed.add(window);
  }
}

/** How long any group of a correlation can matter after its last event, generously. */
export function memoryOf({ timespanMs, kind }: Correlation): number {
  const historyMs = kind !== undefined && 'historyMs' in kind ? kind.historyMs : 0;
  const againMs = kind !== undefined && 'againMs' in kind ? kind.againMs : 0;
  return 2 * Math.max(timespanMs, historyMs, againMs);
}

/** The group that a key was made of. */
export function groupOf(key: string): Group {
  const [partition, ...values] = JSON.parse(key) as [string, ...GroupValue[]];
  return { partition, values };
}
