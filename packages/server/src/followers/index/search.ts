import { compileFilter, cursorFor, encodeCursor, queryDigest } from '@sealtrail/core';
import type { EventQuery, EventQueryResult, LogReader } from '../../ports.ts';
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

/**
 * A page of entries, newest first. Parts are walked from the newest, and the walk ends when the page is full. The index
 * only proposes: where it is not exact, the entry itself decides, so the page is what a scan of the log would give.
 */
export function searchEvents(
  parts: readonly IndexPart[],
  log: LogReader,
  query: EventQuery,
  indexedSize: number,
): EventQueryResult {
  const { trail, limit } = query;
  const before =
    query.cursor === undefined
      ? Number.POSITIVE_INFINITY
      : cursorFor(query.cursor, trail, query.filter).index;
  const filter = withinTenants(query.filter, query.tenants);
  const matches = compileFilter(filter);
  const span = timeSpan(filter);
  const source = new EntrySource(log, trail, indexedSize);
  const items: { index: number; entry: string }[] = [];
  for (const part of parts) {
    if (
      !mayHold(part, trail, span) ||
      part.ranges.every((range) => range.trail !== trail || range.firstIndex >= before)
    )
      continue;
    const segment = part.open();
    const { entries, isExact } = candidatesOf(segment, trail, filter);
    for (const number of entries.descending()) {
      const index = indexOf(segment.runs, number);
      if (index >= before) continue;
      const entry = source.text(index);
      if (!isExact && !matches(parseEntry(entry))) continue;
      // One more than asked for tells that there is a next page.
      if (items.length === limit) return { items, nextCursor: cursorAfter(query, items), indexedSize };
      items.push({ index, entry });
    }
  }
  return { items, nextCursor: null, indexedSize };
}

function cursorAfter(query: EventQuery, items: readonly { readonly index: number }[]): string {
  return encodeCursor({
    digest: queryDigest(query.trail, query.filter),
    index: items.at(-1)!.index,
    nowMs: query.nowMs,
  });
}
