import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { SealtrailError } from '../errors.ts';
import { timeRange } from '../event/limits.ts';
import type { Filter } from './filter.ts';
import { formatFilter } from './format.ts';

/**
 * Where the next page begins: at the newest entry older than `index`. Paging by index neither skips nor repeats while
 * entries arrive, since an index never changes.
 */
export interface Cursor {
  /** Of trail and filter: see {@link queryDigest}. */
  readonly digest: string;
  /** Index of the last entry of the page before. */
  readonly index: number;
  /** What durations in the query counted back from; parse the query of the next page with it, so `24h` stays put. */
  readonly nowMs: number;
}

// Version (1 byte), digest (12), index (7: up to 2^53-1), time (6: up to the year 9999), in lower-case hexadecimal.
const form = /^01([0-9a-f]{24})([0-9a-f]{14})([0-9a-f]{12})$/;

/** What a cursor is bound to: the trail and the filter, durations already counted back. */
export function queryDigest(trail: string, filter: Filter): string {
  return bytesToHex(sha256(utf8ToBytes(`${trail}\n${formatFilter(filter)}`)).subarray(0, 12));
}

/** The text of a cursor: opaque to whoever gets it. It holds nothing secret, and gives no right to anything. */
export function encodeCursor(cursor: Cursor): string {
  return `01${cursor.digest}${hex(cursor.index, 14)}${hex(cursor.nowMs, 12)}`;
}

/**
 * Reads a cursor.
 *
 * @throws SealtrailError `invalid_cursor` when the text is not exactly what {@link encodeCursor} gives
 */
export function decodeCursor(text: string): Cursor {
  const parts = form.exec(text);
  if (parts === null) throw invalid('expected a cursor as the page before gave it');
  const index = Number.parseInt(parts[2]!, 16);
  const nowMs = Number.parseInt(parts[3]!, 16);
  if (!Number.isSafeInteger(index) || nowMs > timeRange.maxMs) throw invalid('it is out of range');
  return { digest: parts[1]!, index, nowMs };
}

/**
 * Reads a cursor that must be of this trail and filter.
 *
 * @throws SealtrailError `invalid_cursor`
 */
export function cursorFor(text: string, trail: string, filter: Filter): Cursor {
  const cursor = decodeCursor(text);
  if (cursor.digest !== queryDigest(trail, filter))
    throw invalid('it belongs to another trail or query; start again without a cursor');
  return cursor;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function invalid(message: string): SealtrailError {
  return new SealtrailError('invalid_cursor', `The cursor cannot be used: ${message}`);
}
