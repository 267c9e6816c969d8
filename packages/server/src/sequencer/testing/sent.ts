import { type Event, entryText, uuidV7 } from '@sealtrail/core';
import { EntryGroup } from '../entry-group.ts';
import { packBatch } from '../pack-batch.ts';
import type { AppendBatch } from '../protocol.ts';

/** An event as a test sends it: the trail is `main` and the action `test.event` unless said otherwise. */
export type Sent = Partial<Event> & { readonly id: string };

/** Time of the first event id and of the first server-chosen time. */
const startMs = Date.UTC(2026, 0, 1);

/** The n-th of a sequence of ids that rise: UUIDv7, all of one test alike. */
export function risingId(n: number): string {
  return uuidV7(startMs + n, new Uint8Array(10));
}

/** An id in no order at all: a UUIDv4 out of a number. */
export function scatteredId(n: number): string {
  // A multiplication modulo 2^32 by an odd number is a permutation: all ids differ, neighbours are far apart.
  const high = Math.imul(n + 1, 0x9e3779b1) >>> 0;
  const text = high.toString(16).padStart(8, '0');
  return `${text}-0000-4000-8000-${text}0000`;
}

let sends = 0;

/** One request. Every sending gets another server-chosen time, as a real one does. */
export function groupOf(events: readonly Sent[], partial = false): EntryGroup {
  const group = new EntryGroup(partial);
  for (const sent of events) {
    const event: Event = { action: 'test.event', ...sent };
    const trail = event.trail ?? 'main';
    const entry = entryText(event, { id: sent.id, nowMs: startMs + sends++, trail });
    group.add(trail, sent.id, entry, event.time === undefined);
  }
  return group;
}

/** A batch of requests. */
export const batchOf = (...groups: readonly EntryGroup[]): AppendBatch => packBatch(0, groups);

/** A batch of one request. */
export const batchOfEvents = (...events: readonly Sent[]): AppendBatch => batchOf(groupOf(events));

/** Events with rising ids [from, to). */
export const risingEvents = (from: number, to: number, fields: Partial<Event> = {}): Sent[] =>
  Array.from({ length: to - from }, (_, i) => ({ ...fields, id: risingId(from + i) }));
