import { cursorFor, encodeCursor, queryDigest } from '@sealtrail/core';
import type { EventQuery, EventQueryResult, LogReader } from '../../ports.ts';
import { EntrySource } from './entry-source.ts';
import { candidatesOf } from './evaluate.ts';
import { type IndexPart, mayHold, timeSpan, withinTenants } from './scope.ts';
import { TrailEntries } from './trail-entries.ts';

/** Entries judged between two looks at the clock. */
const entriesPerLook = 32;

/**
 * A page of entries, newest first. Parts are walked from the newest, and the walk ends when the page is full. The index
 * only proposes, each entry itself decides: so the page is what a scan of the log would give.
 *
 * When the time is over the page ends short, with the cursor to go on from: a search that finds little in much is answered
 * in several pages, so that no search keeps the others waiting for long. Every page gets further.
 *
 * @throws SealtrailError invalid_cursor
 */
export function searchEvents(
  parts: readonly IndexPart[],
  log: LogReader,
  query: EventQuery,
  limits: { readonly indexedSize: number; readonly maxMs: number },
): EventQueryResult {
  const { trail, limit } = query;
  const { indexedSize } = limits;
  const endMs = performance.now() + limits.maxMs;
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
    const entries = new TrailEntries(segment, trail);
    const { may } = candidatesOf({ segment, trail, own: entries.all, isCounting: false }, filter);
    for (const number of may.descending()) {
      const index = entries.indexOf(number);
      if (index >= before) continue;
      const entry = source.text(index);
      if (source.judge(entry)) {
        // One more than asked for tells that there is a next page.
        if (items.length === limit) return page(items.at(-1)!.index);
        items.push({ index, entry });
      }
      if (source.judged % entriesPerLook === 0 && performance.now() >= endMs) return page(index);
    }
    const { firstIndex } = segment.ranges.get(trail)!;
    if (firstIndex > 0 && performance.now() >= endMs) return page(firstIndex);
  }
  return page(undefined);
}

const cursorAt = (query: EventQuery, index: number): string =>
  encodeCursor({ digest: queryDigest(query.trail, query.filter), index, nowMs: query.nowMs });
