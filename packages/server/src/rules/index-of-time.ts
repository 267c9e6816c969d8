import { type Entry, parseTime } from '@sealtrail/core';
import type { LogReader } from '../ports.ts';

const text = new TextDecoder();

/** Index of the first entry of a trail that was received at a time or later: the time of receipt never falls in a trail. */
export function indexOfTime(reader: LogReader, trail: string, ms: number): number {
  let low = 0;
  let high = reader.size(trail);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [bytes] = reader.entries(trail, middle, middle + 1);
    const { receivedAt } = JSON.parse(text.decode(bytes)) as Entry;
    if (parseTime(receivedAt)! < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
