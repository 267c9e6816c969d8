import type { Event, JsonValue } from '@sealtrail/core';

/**
 * Whether a stored entry holds the record that an event was made of. What redaction has marked in the event may be anything
 * in the entry: its rules may have changed since. A mark in the entry says nothing, for others may have written it.
 */
export function isSameRecord(event: Event, stored: Event): boolean {
  const [own, theirs] = [keptOf(event), keptOf(stored)];
  return own !== undefined && theirs !== undefined && isSame(own, theirs);
}

/** What an entry keeps of its record, with the source that it names; undefined where it keeps nothing. */
function keptOf({ metadata }: Event): JsonValue | undefined {
  const kept = metadata?.['original'] ?? metadata?.['originalFields'];
  return kept === undefined ? undefined : [metadata?.['source'] ?? null, kept];
}

/** What redaction puts in the place of a secret. */
const mark = /\[redacted:[a-z_]{1,32}\]/;

function isSame(own: JsonValue, theirs: JsonValue): boolean {
  if (typeof own === 'string') return own === theirs || isMarkedCopy(own, theirs);
  if (typeof own !== 'object' || typeof theirs !== 'object' || own === null || theirs === null)
    return own === theirs;
  if (isList(own) || isList(theirs))
    return (
      isList(own) &&
      isList(theirs) &&
      own.length === theirs.length &&
      own.every((one, i) => isSame(one, theirs[i]!))
    );
  const keys = Object.keys(own);
  return (
    keys.length === Object.keys(theirs).length &&
    keys.every((key) => Object.hasOwn(theirs, key) && isSame(own[key]!, theirs[key]!))
  );
}

/** Whether a text is another one, of which redaction has marked something: what stands before and behind is the same. */
function isMarkedCopy(own: string, theirs: JsonValue): boolean {
  const parts = own.split(mark);
  if (parts.length === 1) return false;
  if (parts.every((part) => part === '')) return true;
  return typeof theirs === 'string' && theirs.startsWith(parts[0]!) && theirs.endsWith(parts.at(-1)!);
}

const isList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);
