import type { Filter } from '@sealtrail/core';
import type { StatsQuery } from '../../ports.ts';
import { timeSpan } from './scope.ts';
import { type MinuteCounts, minuteMs, type RolledUpField, rolledUpFields, type Segment } from './segment.ts';

/** A filter that counts by minute can answer: a span of time, and at most one value of one rolled-up field. */
export interface MinuteScope {
  readonly fromMs: number;
  readonly toMs: number;
  readonly field: RolledUpField | '';
  readonly value: string;
  /** Whether the span takes whole minutes of the segment. */
  fits(segment: Segment): boolean;
}

/** The scope of a question, or undefined when counts by minute do not answer it. */
export function minuteScope(filter: Filter, query: StatsQuery): MinuteScope | undefined {
  if (query.intervalMs !== undefined && query.intervalMs % minuteMs !== 0) return undefined;
  const others = (filter.op === 'and' ? filter.filters : [filter]).filter(
    (part) => part.op !== 'all' && !(part.op === 'range' && part.field === 'time'),
  );
  const [only] = others;
  if (others.length > 1 || (only !== undefined && only.op !== 'eq')) return undefined;
  const field = only === undefined ? '' : rolledUpFields.find((name) => name === only.field);
  // Values of one field are counted apart from those of another.
  if (field === undefined || (field !== '' && query.field !== undefined)) return undefined;
  const { fromMs, toMs } = timeSpan(filter);
  return {
    fromMs,
    toMs,
    field,
    value: only?.value ?? '',
    fits: ({ minTimeMs, maxTimeMs }) =>
      (fromMs <= minTimeMs || fromMs % minuteMs === 0) && (toMs >= maxTimeMs || (toMs + 1) % minuteMs === 0),
  };
}

/** Adds up the counts within a scope, and tells of each of them. */
export function sumMinutes(
  counts: MinuteCounts,
  { fromMs, toMs }: MinuteScope,
  visit: (timeMs: number, count: number) => void,
): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i += 2) {
    const timeMs = counts[i]! * minuteMs;
    // A minute that begins before the segment's first entry has all its entries within a span that begins in it.
    if (timeMs + minuteMs <= fromMs || timeMs > toMs) continue;
    visit(timeMs, counts[i + 1]!);
    sum += counts[i + 1]!;
  }
  return sum;
}
