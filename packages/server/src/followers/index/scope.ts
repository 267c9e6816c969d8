import { and, type Filter, or } from '@sealtrail/core';
import type { Segment, TrailRange } from './segment.ts';

/** A segment with what is known of it without opening it. */
export interface IndexPart {
  readonly ranges: ReadonlyMap<string, TrailRange>;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  open(): Segment;
}

/** A filter together with the tenants that exist for whoever asks. */
export function withinTenants(filter: Filter, tenants: readonly string[] | undefined): Filter {
  if (!tenants) return filter;
  return and([or(tenants.map((value) => ({ op: 'eq', field: 'tenant', value }))), filter]);
}

/** A span of `time`, both ends included. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The span of `time` outside of which nothing can match, out of the conditions that all must hold. */
export function timeSpan(filter: Filter): TimeSpan {
  let fromMs = Number.NEGATIVE_INFINITY;
  let toMs = Number.POSITIVE_INFINITY;
  for (const part of filter.op === 'and' ? filter.filters : [filter]) {
    if (part.op !== 'range' || part.field !== 'time') continue;
    fromMs = Math.max(fromMs, Number(part.gte ?? fromMs));
    toMs = Math.min(toMs, Number(part.lte ?? toMs));
  }
  return { fromMs, toMs };
}

/** Whether a part of the index can hold anything of a trail, before an index of it, within a time span. */
export function mayHold(part: IndexPart, trail: string, before: number, span: TimeSpan): boolean {
  if (part.minTimeMs > span.toMs || part.maxTimeMs < span.fromMs) return false;
  const range = part.ranges.get(trail);
  return range !== undefined && range.firstIndex < before;
}
