import { type Entry, fieldValues, ipKey, ipText, resolveField, type Stats } from '@sealtrail/core';
import { termValue } from '../terms.ts';

/** Addresses have one spelling. */
function shown(fieldName: string, value: string): string {
  return fieldName === 'source.ip' ? ipText(ipKey(value)!) : value;
}

/** The statistics of some entries, by looking at each of them. */
export function countPlainly(
  entries: readonly Entry[],
  asked: {
    readonly field?: string | undefined;
    readonly limit: number;
    readonly intervalMs?: number | undefined;
  },
): Omit<Stats, 'indexedSize'> {
  const { field: name, limit, intervalMs } = asked;
  const values = new Map<string, number>();
  const buckets = new Map<number, number>();
  for (const entry of entries) {
    if (name !== undefined) {
      const texts = fieldValues(resolveField(name)!, entry).map((value) => shown(name, String(value)));
      for (const text of new Set(texts)) values.set(text, (values.get(text) ?? 0) + 1);
    }
    if (intervalMs !== undefined) {
      const start = Math.floor(Date.parse(entry.time) / intervalMs) * intervalMs;
      buckets.set(start, (buckets.get(start) ?? 0) + 1);
    }
  }
  const rows = [...values].map(([value, count]) => ({ value, count }));
  // Values as frequent as each other come in the order of their terms.
  const sorted = rows.sort((a, b) => b.count - a.count || (termValue(a.value) < termValue(b.value) ? -1 : 1));
  return {
    total: entries.length,
    ...(name !== undefined && {
      field: name,
      values: sorted.slice(0, limit),
      otherCount: sorted.slice(limit).reduce((sum, { count }) => sum + count, 0),
    }),
    ...(intervalMs !== undefined && {
      buckets: [...buckets]
        .sort(([a], [b]) => a - b)
        .map(([start, count]) => ({ start: new Date(start).toISOString(), count })),
    }),
  };
}
