import { fieldValues, type RuleEvent, textOf } from '../event-fields.ts';
import type { LoadedCorrelation } from '../load.ts';
import { Deadlines } from './deadlines.ts';
import type { Episode, EpisodeListener, Occurrence } from './episode.ts';
import type { SavedWindow, Window } from './window.ts';
import { planWindows, type WindowOpener, type WindowPlan } from './window-plan.ts';

/** An event that rules matched, on its way to correlations. */
export interface MatchedEvent {
  readonly event: RuleEvent;
  readonly timeMs: number;
  /** See {@link Occurrence.index}. */
  readonly index: number;
  /** What keeps groups apart beyond their fields: a tenant. */
  readonly partition: string;
}

/** Of whom an episode tells. */
export interface Group {
  readonly partition: string;
  /** Values of the fields to group by, in their order. */
  readonly values: readonly GroupValue[];
}
export type GroupValue = string | number | boolean;

/** A group at rest: its key and what its window holds. */
export type SavedGroup = readonly [key: string, window: SavedWindow];

/** A correlator at rest. */
export interface SavedCorrelator {
  readonly groups: readonly SavedGroup[];
  readonly waiting: readonly WaitingOccurrence[];
}
export type WaitingOccurrence = readonly [key: string, occurrence: Occurrence];

/** What has changed of a correlator since it was last asked: groups that are new or different, and keys of those gone. */
export interface CorrelatorChanges extends SavedCorrelator {
  readonly gone: readonly string[];
}

/** Groups that one event can be a part of: lists of values in several fields multiply. */
const maxGroupsOfEvent = 16;

/**
 * One correlation over event time. Events come in any order behind the watermark; what is told of a group depends on the
 * events alone, not on their order.
 */
export class Correlator {
  readonly key: string;
  readonly #plan: WindowPlan;
  readonly #spanMs: number;
  readonly #groupFields: readonly (readonly string[])[];
  readonly #valueFields: readonly (readonly string[])[];
  readonly #open: WindowOpener;
  /** Groups of which something was heard lately, and those of which nothing was since `#turnMs`. */
  #young: Map<string, Window> = new Map();
  #old: Map<string, Window> = new Map();
  /** Event time at which the young become the old ones. */
  #turnMs = Number.NEGATIVE_INFINITY;
  /** Occurrences that wait for the watermark, where their order counts. */
  #waiting: Deadlines<WaitingOccurrence> = new Deadlines();
  readonly #due: Deadlines<Window> = new Deadlines();
  #watermarkMs = Number.NEGATIVE_INFINITY;
  /** Since changes were last asked for. */
  #changed: Set<Window> = new Set();
  #gone: Set<string> = new Set();

  /**
   * @param isOuter whether it is over other correlations, of which nothing is told before the watermark
   * @throws RuleError
   */
  constructor({ key, document }: LoadedCorrelation, isOuter: boolean, listener: EpisodeListener) {
    const { correlation } = document;
    const { aliases, groupBy, fields, rules } = correlation;
    const fieldsOf = (names: readonly string[]): (readonly string[])[] =>
      rules.map((rule) => names.map((name) => aliases.get(name)?.get(rule) ?? name));
    this.key = key;
    const plan = planWindows(correlation);
    this.#plan = isOuter ? { ...plan, isOrdered: true } : plan;
    this.#spanMs = correlation.timespanMs;
    this.#groupFields = fieldsOf(groupBy);
    this.#valueFields = fieldsOf(fields);
    this.#open = plan.opener(listener);
  }

  /** Groups that are known at the moment. */
  get groups(): number {
    return this.#young.size + this.#old.size;
  }

  /**
   * Takes an event that is behind the watermark.
   *
   * @param rules which of the correlation's rules matched it, by their places in its list, falling
   */
  add(matched: MatchedEvent, rules: readonly number[]): void {
    const { timeMs, index } = matched;
    const seen: [string, string | number | undefined][] = [];
    for (const rule of rules) {
      const value = this.#valueOf(matched.event, rule);
      if (value === null) continue;
      for (const key of this.#keysOf(matched, rule)) {
        if (!this.#plan.isByRule && rules.length > 1) {
          if (seen.some(([one, other]) => one === key && other === value)) continue;
          seen.push([key, value]);
        }
        const occurrence: Occurrence = { timeMs, index, rule, ...(value !== undefined && { value }) };
        if (this.#plan.isOrdered) this.#waiting.add(timeMs, [key, occurrence]);
        else this.#take(key, occurrence);
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
    }
  }

  /** What is to be kept of it beyond what was kept before. */
  takeChanges(): CorrelatorChanges {
    const groups = Array.from(this.#changed, (window): SavedGroup => [window.key, window.save()]);
    const gone = [...this.#gone];
    this.#changed = new Set();
    this.#gone = new Set();
    return { groups, gone, waiting: this.#waiting.items() };
  }

  load({ groups, waiting }: SavedCorrelator, watermarkMs: number): void {
    this.#watermarkMs = watermarkMs;
    for (const [key, saved] of groups) {
      const window = this.#open(key, saved);
      this.#old.set(key, window);
      this.#schedule(window);
    }
    for (const item of waiting) this.#waiting.add(item[1].timeMs, item);
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
    const { atMs, item: window } = this.#due.take()!;
    if (window.scheduledMs !== atMs) return;
    window.forget(atMs);
    this.#changed.add(window);
    this.#schedule(window);
  }

  #schedule(window: Window): void {
    const { dueMs } = window;
    window.scheduledMs = dueMs;
    if (dueMs !== Number.POSITIVE_INFINITY) this.#due.add(dueMs, window);
  }

  #take(key: string, occurrence: Occurrence): void {
    let window = this.#young.get(key);
    if (window === undefined) {
      window = this.#old.get(key);
      if (window === undefined) {
        window = this.#open(key);
        this.#gone.delete(key);
      } else this.#old.delete(key);
      this.#young.set(window.key, window);
    }
    window.add(occurrence, this.#watermarkMs);
    this.#changed.add(window);
    // Mostly what is due moves on as events come; it is looked at again when the time is there.
    if (window.dueMs < window.scheduledMs) this.#schedule(window);
  }

  /** Null where the correlation measures a field that the event does not have. */
  #valueOf(event: RuleEvent, rule: number): string | number | undefined | null {
    const fields = this.#valueFields[rule]!;
    if (this.#plan.value === 'none') return undefined;
    if (this.#plan.value === 'number') return numberIn(event, fields[0]!) ?? null;
    if (fields.length === 1) return firstScalar(event, fields[0]!) ?? null;
    const values = fields.map((field) => firstScalar(event, field));
    return values.includes(undefined) ? null : JSON.stringify(values);
  }

  #keysOf({ event, partition }: MatchedEvent, rule: number): readonly string[] {
    let tuples: GroupValue[][] = [[]];
    for (const field of this.#groupFields[rule]!) {
      const values = new Set(fieldValues(event, field)?.filter(isGroupValue));
      tuples = tuples.flatMap((tuple) => [...values].map((value) => [...tuple, value]));
      if (tuples.length > maxGroupsOfEvent) tuples.length = maxGroupsOfEvent;
    }
    return tuples.map((tuple) => JSON.stringify([partition, ...tuple]));
  }
}

/** The group that a key was made of. */
export function groupOf(key: string): Group {
  const [partition, ...values] = JSON.parse(key) as [string, ...GroupValue[]];
  return { partition, values };
}

const isGroupValue = (value: unknown): value is GroupValue =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

function firstScalar(event: RuleEvent, field: string): string | number | undefined {
  const value = fieldValues(event, field)?.find(isGroupValue);
  return typeof value === 'boolean' ? textOf(value) : value;
}

function numberIn(event: RuleEvent, field: string): number | undefined {
  for (const value of fieldValues(event, field) ?? []) {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number === 'number' && Number.isFinite(number)) return number;
  }
  return undefined;
}
