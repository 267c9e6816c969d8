import { type Field, resolveField, SealtrailError, type Stats } from '@sealtrail/core';
import type { LogReader, StatsQuery } from '../../ports.ts';
import { Bitmap } from './bitmap.ts';
import { type Candidates, isCertain } from './candidates.ts';
import { EntrySource } from './entry-source.ts';
import { candidatesOf } from './evaluate.ts';
import { type MinuteScope, minuteScope, sumMinutes } from './minutes.ts';
import { type IndexPart, mayHold, timeSpan, withinTenants } from './scope.ts';
import type { Segment } from './segment.ts';
import { TrailEntries } from './trail-entries.ts';
import { ValueCounts } from './value-counts.ts';

const maxBuckets = 5000;
/** Entries looked at where the index is not sure: a few seconds, in which other searches wait. */
const maxJudged = 250_000;

/**
 * Counts of what a filter finds: exact, whatever the filter. Out of roll-ups where they say enough, else out of the sets
 * of entries; what these are not sure of, the entries themselves decide.
 *
 * @throws SealtrailError invalid_parameter when the question is too large
 */
export function countEvents(
  parts: readonly IndexPart[],
  log: LogReader,
  query: StatsQuery,
  indexedSize: number,
): Stats {
  const filter = withinTenants(query.filter, query.tenants);
  const source = new EntrySource(log, query.trail, indexedSize, filter);
  const values =
    query.field === undefined ? undefined : new ValueCounts(countableField(query.field), query.limit, source);
  const span = timeSpan(filter);
  const minutes = minuteScope(filter, query);
  const buckets = new Buckets(query.intervalMs);
  let total = 0;
  for (const part of parts) {
    if (!mayHold(part, query.trail, indexedSize, span)) continue;
    const segment = part.open();
    const byMinute = minutes && countMinutes(segment, query.trail, minutes, values, buckets);
    if (byMinute !== undefined) {
      total += byMinute;
      continue;
    }
    const trail = new TrailEntries(segment, query.trail);
    const question = { segment, trail: query.trail, own: trail.all, isCounting: true };
    const found = judged(candidatesOf(question, filter), trail, source);
    total += found.count();
    values?.add(segment, found, trail);
    buckets.addTimes(segment, found);
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

/** Counts out of the roll-ups of a segment; undefined, and nothing counted, when they do not say enough. */
function countMinutes(
  segment: Segment,
  trail: string,
  scope: MinuteScope,
  values: ValueCounts | undefined,
  buckets: Buckets,
): number | undefined {
  if (!scope.fits(segment)) return undefined;
  const all = segment.rollUp(trail, scope.field, scope.value);
  if (all === undefined) return undefined;
  if (values && !values.addMinutes(segment, trail, scope)) return undefined;
  return sumMinutes(all, scope, (timeMs, count) => buckets.add(timeMs, count));
}

/** The candidates that match: those that the index is not sure of are looked at. */
function judged(found: Candidates, trail: TrailEntries, source: EntrySource): Bitmap {
  if (isCertain(found)) return found.may;
  const matching = new Bitmap();
  for (const number of found.may.without(found.must).descending()) {
    if (source.judge(source.text(trail.indexOf(number)))) matching.add(number);
    if (source.judged > maxJudged) {
      throw new SealtrailError(
        'invalid_parameter',
        `more than ${maxJudged} entries would have to be read to count this; narrow since and until, or ask for fields instead of phrases`,
      );
    }
  }
  return found.must.or(matching);
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
    if (this.#intervalMs === undefined || entries.isEmpty()) return;
    // Each entry has one time, so the entry is the place in the column.
    const times = segment.times('time');
    entries.visit((entry) => this.add(times.valueAt(entry), 1));
  }

  result(): Pick<Stats, 'buckets'> {
    if (this.#intervalMs === undefined) return {};
    const sorted = [...this.#counts].sort(([a], [b]) => a - b);
    return { buckets: sorted.map(([start, count]) => ({ start: new Date(start).toISOString(), count })) };
  }
}
