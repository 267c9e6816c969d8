import { cursorFor, encodeCursor, queryDigest } from '@sealtrail/core';
import type { EventQuery, EventQueryResult, LogReader } from '../../ports.ts';
import { EntrySource, indexOf } from './entry-source.ts';
import { candidatesOf, type IndexPart, mayHold, timeSpan, withinTenants } from './scope.ts';

/**
 * Entries looked at for one page where the index is not sure: about half a second. The page then ends short, with the
 * cursor to go on from, so that no search keeps the others waiting for long.
 */
const maxJudged = 50_000;

/**
 * A page of entries, newest first. Parts are walked from the newest, and the walk ends when the page is full. The index
 * only proposes: where it is not sure, the entry itself decides, so the page is what a scan of the log would give.
 */
export function searchEvents(
  parts: readonly IndexPart[],
  log: LogReader,
  query: EventQuery,
  indexedSize: number,
): EventQueryResult {
  const { trail, limit } = query;
  const before =
    query.cursor === undefined ? indexedSize : cursorFor(query.cursor, trail, query.filter).index;
  const filter = withinTenants(query.filter, query.tenants);
  const span = timeSpan(filter);
  const source = new EntrySource(log, trail, indexedSize, filter);
  const items: { index: number; entry: string }[] = [];
  const page = (last: number | undefined): EventQueryResult => ({
    items,
    nextCursor: last === undefined ? null : cursorAt(query, last),
    indexedSize,
  });
  for (const part of parts) {
    if (!mayHold(part, trail, before, span)) continue;
    const segment = part.open();
    const { may, must } = candidatesOf(segment, trail, filter);
    for (const number of may.descending()) {
      const index = indexOf(segment.runs, number);
      if (index >= before) continue;
      if (!must.has(number) && !source.judge(index)) {
        if (source.judged >= maxJudged) return page(index);
        continue;
      }
      // One more than asked for tells that there is a next page.
      if (items.length === limit) return page(items.at(-1)!.index);
      items.push({ index, entry: source.text(index) });
    }
  }
  return page(undefined);
}

const cursorAt = (query: EventQuery, index: number): string =>
  encodeCursor({ digest: queryDigest(query.trail, query.filter), index, nowMs: query.nowMs });
