import {
  compileFilter,
  type Field,
  type Filter,
  ipText,
  resolveField,
  SealtrailError,
  type Stats,
} from '@sealtrail/core';
import type { LogReader, StatsQuery } from '../../ports.ts';
import { Bitmap } from './bitmap.ts';
import {
  candidatesOf,
  EntrySource,
  indexOf,
  mayHold,
  parseEntry,
  timeSpan,
  withinTenants,
} from './candidates.ts';
import type { IndexPart } from './event-index.ts';
import { rolledUpFields, type Segment } from './segment.ts';
import { fieldCode, isCutTerm, METADATA } from './terms.ts';

const minuteMs = 60_000;
/** Distinct values kept while counting; a field with more is not one to count by. */
const maxValues = 500_000;
const maxBuckets = 5000;

/** Counts of what a filter finds: exact, whatever the filter. */
export function countEvents(
  parts: readonly IndexPart[],
  log: LogReader,
  query: StatsQuery,
  indexedSize: number,
): Stats {
  const field = query.field === undefined ? undefined : countableField(query.field);
  const filter = withinTenants(query.filter, query.tenants);
  const span = timeSpan(filter);
  const source = new EntrySource(log, query.trail, indexedSize);
  const byValue = new Map<string, number>();
  const byBucket = new Map<number, number>();
  let total = 0;
  for (const part of parts) {
    if (!mayHold(part, query.trail, span)) continue;
    const segment = part.open();
    const rolledUp = field === undefined ? rolledUpCounts(segment, query, filter) : undefined;
    if (rolledUp) {
      for (const [minute, count] of rolledUp) {
        total += count;
        if (query.intervalMs !== undefined)
          addTo(byBucket, bucketStart(minute * minuteMs, query.intervalMs), count);
      }
    } else {
      const found = exactly(segment, query.trail, filter, source);
      total += found.count();
      if (field) countValues(segment, field, found, byValue);
      if (query.intervalMs !== undefined) {
        const times = segment.times('time');
        found.forEach((entry) => addTo(byBucket, bucketStart(times[entry]!, query.intervalMs!), 1));
      }
    }
    if (byBucket.size > maxBuckets) {
      throw new SealtrailError(
        'invalid_parameter',
        `interval: there are more than ${maxBuckets} buckets; narrow since and until, or take a longer interval`,
      );
    }
  }
  return {
    total,
    indexedSize,
    ...(field && valuesOf(field, byValue, query.limit)),
    ...(query.intervalMs !== undefined && { buckets: bucketsOf(byBucket) }),
  };
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

/** Per-minute counts out of roll-ups, where the filter is nothing or one value of a rolled-up field. */
function rolledUpCounts(
  segment: Segment,
  query: StatsQuery,
  filter: Filter,
): [minute: number, count: number][] | undefined {
  if (query.intervalMs !== undefined && query.intervalMs % minuteMs !== 0) return undefined;
  const isRolledUp =
    filter.op === 'eq' && rolledUpFields.includes(filter.field) && filter.value.length <= 100;
  if (filter.op !== 'all' && !isRolledUp) return undefined;
  const rows = segment.rollUps(query.trail, isRolledUp ? filter.field : '', isRolledUp ? filter.value : '');
  return rows && Array.from(rows, ({ minute, count }) => [minute, count]);
}

/** The entries that match, with those looked at that the index is not sure of. */
function exactly(segment: Segment, trail: string, filter: Filter, source: EntrySource): Bitmap {
  const { entries, isExact } = candidatesOf(segment, trail, filter);
  if (isExact) return entries;
  const matches = compileFilter(filter);
  const exact = new Bitmap();
  for (const number of entries.descending()) {
    if (matches(parseEntry(source.text(indexOf(segment.runs, number))))) exact.add(number);
  }
  return exact;
}

function countValues(segment: Segment, field: Field, within: Bitmap, counts: Map<string, number>): void {
  const isMetadata = field.kind === 'metadata';
  const prefix = isMetadata ? `${METADATA}${field.name.slice('metadata.'.length)}\u0000` : fieldCode(field);
  segment.forEachTerm(prefix, (term, _count, postings) => {
    const count = postings.countIn(within);
    if (count === 0) return;
    // After the path of metadata come NUL and the letter of the type.
    addTo(counts, isMetadata ? term.slice(prefix.length) : term, count);
    if (counts.size > maxValues)
      throw new SealtrailError(
        'invalid_parameter',
        `field: ${field.name} has more than ${maxValues} values; narrow the search`,
      );
  });
}

function valuesOf(
  field: Field,
  counts: ReadonlyMap<string, number>,
  limit: number,
): Pick<Stats, 'field' | 'values' | 'otherCount'> {
  const sorted = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const shown = sorted.slice(0, limit).map(([value, count]) => ({ value: shownValue(field, value), count }));
  return {
    field: field.name,
    values: shown,
    otherCount: sorted.slice(limit).reduce((sum, [, count]) => sum + count, 0),
  };
}

const bucketsOf = (counts: ReadonlyMap<number, number>): NonNullable<Stats['buckets']> =>
  [...counts]
    .sort(([a], [b]) => a - b)
    .map(([start, count]) => ({ start: new Date(start).toISOString(), count }));

const bucketStart = (ms: number, intervalMs: number): number => Math.floor(ms / intervalMs) * intervalMs;

function addTo<K>(counts: Map<K, number>, key: K, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

/** A term's value as people read it: addresses are kept as keys, long values as their beginning and a hash. */
function shownValue(field: Field, value: string): string {
  if (field.kind === 'ip') return ipText(value);
  const text = field.kind === 'metadata' ? value.slice(1) : value;
  return isCutTerm(text) ? `${text.slice(0, text.indexOf('\u0000'))}…` : text;
}
