import { type Field, type Filter, resolveField, SealtrailError, type Stats } from '@sealtrail/core';
import type { LogReader, StatsQuery } from '../../ports.ts';
import { Bitmap } from './bitmap.ts';
import { isCertain } from './candidates.ts';
import { EntrySource, indexOf } from './entry-source.ts';
import { candidatesOf, type IndexPart, mayHold, timeSpan, withinTenants } from './scope.ts';
import { type RollUpRow, rolledUpFields, type Segment } from './segment.ts';
import { isCutTerm } from './terms.ts';
import { ValueCounts } from './value-counts.ts';

const minuteMs = 60_000;
const maxBuckets = 5000;
/** Entries looked at where the index is not sure: a few seconds, in which other searches wait. */
const maxJudged = 250_000;

/** Counts of what a filter finds: exact, whatever the filter. */
export function countEvents(
  parts: readonly IndexPart[],
  log: LogReader,
  query: StatsQuery,
  indexedSize: number,
): Stats {
  const values =
    query.field === undefined ? undefined : new ValueCounts(countableField(query.field), query.limit);
  const filter = withinTenants(query.filter, query.tenants);
  const span = timeSpan(filter);
  const source = new EntrySource(log, query.trail, indexedSize, filter);
  const buckets = new Buckets(query.intervalMs);
  let total = 0;
  for (const part of parts) {
    if (!mayHold(part, query.trail, indexedSize, span)) continue;
    const segment = part.open();
    const rolledUp = values ? undefined : rollUpsFor(segment, query, filter);
    if (rolledUp) {
      for (const { minute, count } of rolledUp) {
        total += count;
        buckets.add(minute * minuteMs, count);
      }
    } else {
      const found = matching(segment, query.trail, filter, source);
      total += found.count();
      values?.add(segment, found);
      buckets.addTimes(segment, found);
    }
  }
  return { total, indexedSize, ...values?.result(), ...buckets.result() };
}

/** A field that can be counted by. @throws SealtrailError invalid_parameter */
function countableField(name: string): Field {
  const field = resolveField(name);
  if (!field) throw new SealtrailError('invalid_parameter', 'field: there is no field of this name');
  if (field.unique || field.kind === 'time' || field.name === 'trail') {
    throw new SealtrailError('invalid_parameter', `field: ${field.name} cannot be counted by`);
  }
  return field;
}

/** Counts by minute out of roll-ups, where the filter is nothing or one value of a rolled-up field. */
function rollUpsFor(segment: Segment, query: StatsQuery, filter: Filter): readonly RollUpRow[] | undefined {
  if (query.intervalMs !== undefined && query.intervalMs % minuteMs !== 0) return undefined;
  if (filter.op === 'all') return segment.rollUps(query.trail, '', '');
  const isRolledUp = filter.op === 'eq' && rolledUpFields.includes(filter.field) && !isCutTerm(filter.value);
  return isRolledUp ? segment.rollUps(query.trail, filter.field, filter.value) : undefined;
}

/** The entries of a segment that match: those that the index is not sure of are looked at. */
function matching(segment: Segment, trail: string, filter: Filter, source: EntrySource): Bitmap {
  const found = candidatesOf(segment, trail, filter);
  if (isCertain(found)) return found.may;
  const judged = new Bitmap();
  for (const number of found.may.without(found.must).descending()) {
    if (source.judge(indexOf(segment.runs, number))) judged.add(number);
    if (source.judged > maxJudged) {
      throw new SealtrailError(
        'invalid_parameter',
        `more than ${maxJudged} entries would have to be read to count this; narrow since and until, or ask for fields instead of phrases`,
      );
    }
  }
  return found.must.or(judged);
}

/** Counts by time. */
class Buckets {
  readonly #intervalMs: number | undefined;
  readonly #counts: Map<number, number> = new Map();

  constructor(intervalMs: number | undefined) {
    this.#intervalMs = intervalMs;
  }

  /** @throws SealtrailError invalid_parameter when there are too many buckets */
  add(timeMs: number, count: number): void {
    if (this.#intervalMs === undefined) return;
    const start = Math.floor(timeMs / this.#intervalMs) * this.#intervalMs;
    this.#counts.set(start, (this.#counts.get(start) ?? 0) + count);
    if (this.#counts.size > maxBuckets) {
      throw new SealtrailError(
        'invalid_parameter',
        `interval: there are more than ${maxBuckets} buckets; narrow since and until, or take a longer interval`,
      );
    }
  }

  addTimes(segment: Segment, entries: Bitmap): void {
    if (this.#intervalMs === undefined) return;
    const times = segment.times('time');
    entries.visit((entry) => this.add(times[entry]!, 1));
  }

  result(): Pick<Stats, 'buckets'> {
    if (this.#intervalMs === undefined) return {};
    const sorted = [...this.#counts].sort(([a], [b]) => a - b);
    return { buckets: sorted.map(([start, count]) => ({ start: new Date(start).toISOString(), count })) };
  }
}
