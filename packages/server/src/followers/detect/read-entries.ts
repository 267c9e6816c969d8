import { type Entry, parseTime } from '@sealtrail/core';
import type { LogReader } from '../../ports.ts';
import type { Told } from '../alert/alert-book.ts';

const text = new TextDecoder();

/** What entries of a trail tell: actors by id, addresses, and when the first happened. */
export function readEntries(reader: LogReader, trail: string, entries: readonly number[]): Told {
  const actors = new Set<string>();
  const addresses = new Set<string>();
  let firstMs: number | undefined;
  for (const index of entries) {
    const [bytes] = reader.entries(trail, index, index + 1);
    if (bytes === undefined) continue;
    const { actor, source, time, receivedAt } = JSON.parse(text.decode(bytes)) as Entry;
    if (actor?.id !== undefined) actors.add(actor.id);
    if (source?.ip !== undefined) addresses.add(source.ip);
    const timeMs = Math.min(parseTime(time)!, parseTime(receivedAt)!);
    firstMs = Math.min(firstMs ?? timeMs, timeMs);
  }
  return { actors: [...actors], addresses: [...addresses], firstMs };
}
