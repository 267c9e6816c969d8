import { and, type Entry, type Filter, or } from '@sealtrail/core';
import type { LogReader } from '../../ports.ts';
import { Bitmap } from './bitmap.ts';
import { type Candidates, evaluate } from './evaluate.ts';
import type { IndexPart } from './event-index.ts';
import type { Run, Segment } from './segment.ts';

/** A filter together with the tenants that exist for whoever asks. */
export function withinTenants(filter: Filter, tenants: readonly string[] | undefined): Filter {
  if (!tenants) return filter;
  return and([or(tenants.map((value) => ({ op: 'eq', field: 'tenant', value }))), filter]);
}

/** The span of `time` outside of which nothing can match, out of the conditions that all must hold. */
export function timeSpan(filter: Filter): { readonly fromMs: number; readonly toMs: number } {
  let fromMs = Number.NEGATIVE_INFINITY;
  let toMs = Number.POSITIVE_INFINITY;
  for (const part of filter.op === 'and' ? filter.filters : [filter]) {
    if (part.op !== 'range' || part.field !== 'time') continue;
    fromMs = Math.max(fromMs, Number(part.gte ?? fromMs));
    toMs = Math.min(toMs, Number(part.lte ?? toMs));
  }
  return { fromMs, toMs };
}

/** Whether a part of the index can hold anything of a trail within a time span. */
export function mayHold(
  part: IndexPart,
  trail: string,
  span: { readonly fromMs: number; readonly toMs: number },
): boolean {
  return (
    part.minTimeMs <= span.toMs &&
    part.maxTimeMs >= span.fromMs &&
    part.ranges.some((range) => range.trail === trail)
  );
}

/** The candidates of one trail in a segment. */
export function candidatesOf(segment: Segment, trail: string, filter: Filter): Candidates {
  const found = evaluate(segment, filter);
  if (segment.runs.some((run) => run.trail !== trail)) {
    const own = new Bitmap();
    for (const run of segment.runs) if (run.trail === trail) own.addRange(run.first, run.first + run.count);
    found.entries.retainAll(own);
  }
  return found;
}

/** Index in its trail of an entry of a segment. */
export function indexOf(runs: readonly Run[], entry: number): number {
  let low = 0;
  let high = runs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (runs[middle]!.first <= entry) low = middle;
    else high = middle - 1;
  }
  const run = runs[low]!;
  return run.index + (entry - run.first);
}

const bundle = 256;
const text = new TextDecoder();

/** Reads entries of a trail one by one, a bundle at a time: neighbours cost one read. */
export class EntrySource {
  readonly #log: LogReader;
  readonly #trail: string;
  readonly #size: number;
  #start = -1;
  #entries: readonly Uint8Array[] = [];

  /** @param size entries of the trail that may be read */
  constructor(log: LogReader, trail: string, size: number) {
    this.#log = log;
    this.#trail = trail;
    this.#size = size;
  }

  /** The canonical text of an entry. */
  text(index: number): string {
    const start = index - (index % bundle);
    if (start !== this.#start) {
      this.#entries = this.#log.entries(this.#trail, start, Math.min(start + bundle, this.#size));
      this.#start = start;
    }
    return text.decode(this.#entries[index - start]!);
  }
}

export const parseEntry = (entry: string): Entry => JSON.parse(entry) as Entry;
