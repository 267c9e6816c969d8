import { type Condition, hasNot } from '../condition.ts';
import type { Correlation } from '../correlation.ts';
import type { Locate } from '../locate.ts';
import { RuleError } from '../rule-error.ts';
import { meets, type Threshold } from '../threshold.ts';
import { type ClosedCondition, ClosedWindow } from './closed-window.ts';
import { CountWindow, minHeld } from './count-window.ts';
import type { EpisodeListener, Occurrence } from './episode.ts';
import { planKind } from './kind-plan.ts';
import { NumberWindow } from './number-window.ts';
import { OrderedWindow } from './ordered-window.ts';
import { measureOf, NumberSample } from './sample.ts';
import { type Measure, ValueWindow } from './value-window.ts';
import type { SavedWindow, Window } from './window.ts';

/** What the windows of a correlation work with. */
export interface WindowContext {
  readonly changed: EpisodeListener;
  /** How long events may be behind the latest one, in milliseconds. */
  readonly latenessMs: number;
  /** Where addresses are; undefined where nobody knows. */
  readonly locate: Locate | undefined;
  /** Told whenever a window gives up something that it cannot hold any longer. */
  readonly gaveUp: () => void;
}

/** Opens the window of a group. */
export type WindowOpener = (key: string, saved?: SavedWindow) => Window;

/** How the groups of a correlation are looked at. */
export interface WindowPlan {
  /**
   * Whether occurrences have to come in their order, and so wait for the watermark: where more of them can make the
   * condition false again. The others are told of at once, and amended by what comes late.
   */
  readonly isOrdered: boolean;
  /** Whether its time is that of receipt: then occurrences are in their order, and none is too late. */
  readonly isHeard?: true;
  /**
   * Whether windows are judged when they have closed: the next one opens with the next event, so what is found can depend on
   * the first event of a group, however long ago that was.
   */
  readonly isClosed?: true;
  /**
   * Whether windows look at occurrences that wait for the watermark, too, see {@link Window.foresee}: where what can still
   * come late is within the span of what is there.
   */
  readonly foresees?: true;
  /** What an occurrence says beyond that it was there. `points`: what the finding weighs. */
  readonly value: 'none' | 'text' | 'number' | 'points';
  /** Whether an event that matches several of the rules is one occurrence of each. */
  readonly isByRule: boolean;
  /** What opens the windows of groups: once for a correlation. */
  readonly opener: (context: WindowContext) => WindowOpener;
}

/** @throws RuleError when the correlation asks for what cannot be told */
export function planWindows(correlation: Correlation): WindowPlan {
  const { type, timespanMs, threshold } = correlation;
  const least = leastOf(threshold);
  switch (type) {
    case 'event_count':
      return least === undefined
        ? closed(correlation, 'none', (held) => held.length)
        : {
            ...{ isOrdered: false, value: 'none', isByRule: false },
            opener: ({ changed, gaveUp }) => {
              const spec = { spanMs: timespanMs, least, changed, gaveUp };
              return (key, saved) => new CountWindow(spec, key, saved);
            },
          };
    case 'value_count': {
      const distinct = (held: readonly Occurrence[]): number => new Set(held.map(({ value }) => value)).size;
      return least === undefined
        ? closed(correlation, 'text', distinct)
        : { ...ofValues(timespanMs, { least, of: ({ size }) => size }), value: 'text', isByRule: false };
    }
    case 'temporal':
      return planTemporal(correlation, least);
    case 'temporal_ordered':
      assertOrdered(correlation);
      return {
        ...{ isOrdered: false, value: 'none', isByRule: true },
        opener: ({ changed }) => {
          const spec = { spanMs: timespanMs, steps: correlation.rules.length, changed };
          return (key, saved) => new OrderedWindow(spec, key, saved);
        },
      };
    case 'value_sum':
    case 'value_avg':
    case 'value_percentile':
    case 'value_median':
    case 'risk':
      return planNumbers(correlation);
    default:
      return planKind(correlation);
  }
}

function planTemporal(correlation: Correlation, least: number | undefined): WindowPlan {
  const { condition, rules, timespanMs } = correlation;
  if (condition === undefined) {
    const distinct = (held: readonly Occurrence[]): number => new Set(held.map(({ rule }) => rule)).size;
    return least === undefined
      ? { ...closed(correlation, 'none', distinct), isByRule: true }
      : { ...ofValues(timespanMs, { least, of: ({ size }) => size }), value: 'none', isByRule: true };
  }
  const holds = (condition: Condition, has: (rule: number) => boolean): boolean => {
    switch (condition.op) {
      case 'is':
        return has(rules.indexOf(condition.name));
      case 'not':
        return !holds(condition.part, has);
      case 'and':
        return condition.parts.every((part) => holds(part, has));
      case 'or':
        return condition.parts.some((part) => holds(part, has));
    }
  };
  if (!hasNot(condition)) {
    const of: Measure['of'] = (present) => Number(holds(condition, (rule) => present.has(rule)));
    return { ...ofValues(timespanMs, { least: 1, of }), value: 'none', isByRule: true };
  }
  return {
    ...ofClosed(timespanMs, (held) => {
      const seen = new Set(held.map(({ rule }) => rule));
      return holds(condition, (rule) => seen.has(rule)) ? seen.size : undefined;
    }),
    value: 'none',
    isByRule: true,
  };
}

function planNumbers(correlation: Correlation): WindowPlan {
  const { type, timespanMs, threshold, percentile } = correlation;
  if (type === 'value_percentile' && percentile === undefined) return planShares(correlation);
  const { isRanked, of } = measureOf(type, percentile)!;
  const isAtLeast = leastOf(threshold) !== undefined;
  if (!isAtLeast)
    return closed(correlation, 'number', (held) => {
      const sample = new NumberSample(isRanked);
      for (const { value } of held) sample.add(value as number);
      return of(sample);
    });
  const condition = {
    ...{ isRanked, measure: of, holds: (measured: number) => meets(threshold, measured) },
    // Each finding weighs a point at the least.
    ...(type === 'risk' && { enough: Math.max(minHeld, threshold.gte!) }),
  };
  return {
    ...{ isOrdered: true, value: type === 'risk' ? 'points' : 'number', isByRule: false },
    opener: ({ changed }) => {
      const spec = { spanMs: timespanMs, condition, changed };
      return (key, saved) => new NumberWindow(spec, key, saved);
    },
  };
}

/**
 * A percentile of which nothing says which asks how rare a value is: the events in the window that have it, in percent of
 * all. It holds when that is so of any value.
 */
function planShares({ timespanMs, threshold }: Correlation): WindowPlan {
  const condition: ClosedCondition = (held) => {
    const counts = new Map<Occurrence['value'], number>();
    for (const { value } of held) counts.set(value, (counts.get(value) ?? 0) + 1);
    const shares = [...counts.values()].map((count) => (100 * count) / held.length);
    const found = shares.filter((share) => meets(threshold, share));
    return found.length === 0 ? undefined : found.reduce((least, share) => Math.min(least, share));
  };
  return { ...ofClosed(timespanMs, condition), value: 'text', isByRule: false };
}

function ofValues(spanMs: number, measure: Measure): Pick<WindowPlan, 'isOrdered' | 'opener'> {
  return {
    isOrdered: false,
    opener:
      ({ changed }) =>
      (key, saved) =>
        new ValueWindow({ spanMs, measure, changed }, key, saved),
  };
}

function ofClosed(
  spanMs: number,
  condition: ClosedCondition,
): Pick<WindowPlan, 'isOrdered' | 'isClosed' | 'opener'> {
  return {
    ...{ isOrdered: true, isClosed: true },
    opener: ({ changed, gaveUp }) => {
      const spec = { spanMs, condition, changed, gaveUp };
      return (key, saved) => new ClosedWindow(spec, key, saved);
    },
  };
}

function closed(
  { timespanMs, threshold }: Correlation,
  value: WindowPlan['value'],
  measure: (held: readonly Occurrence[]) => number,
): WindowPlan {
  const condition: ClosedCondition = (held) => {
    const measured = measure(held);
    return meets(threshold, measured) ? measured : undefined;
  };
  return { ...ofClosed(timespanMs, condition), value, isByRule: false };
}

/** The least whole number that meets a threshold which only asks for more; undefined for others. */
function leastOf({ gt, gte, ...others }: Threshold): number | undefined {
  if (Object.keys(others).length > 0) return undefined;
  return Math.max(1, gt === undefined ? 1 : Math.floor(gt) + 1, gte === undefined ? 1 : Math.ceil(gte));
}

/** Steps in their order say all that there is to say: neither a number of them nor a choice has a meaning beside it. */
function assertOrdered({ condition, threshold, rules }: Correlation): void {
  const names = condition === undefined ? rules : conjunctsOf(condition);
  const isWhole = names?.length === rules.length && names.every((name, i) => name === rules[i]);
  const { gte, ...others } = threshold;
  const isPlain = Object.keys(others).length === 0 && (gte === undefined || gte === rules.length);
  if (!isWhole || !isPlain)
    throw new RuleError('temporal_ordered asks for all of its rules, in the order in which they are listed');
}

function conjunctsOf(condition: Condition): readonly string[] | undefined {
  if (condition.op === 'is') return [condition.name];
  if (condition.op !== 'and') return undefined;
  const parts = condition.parts.map(conjunctsOf);
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}
