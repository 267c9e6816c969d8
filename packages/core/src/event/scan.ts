import { SealtrailError } from '../errors.ts';
import { eventLimits } from './limits.ts';

/** The code of what is JSON, and yet not acceptable: of an event, or of another request body. */
export type InvalidCode = 'invalid_event' | 'invalid_body';

/** Where one JSON value lies in a byte buffer, and what its structure costs, found without parsing it. */
export interface ScannedValue {
  readonly start: number;
  readonly end: number;
  /** Colons outside of strings: the number of object keys written in the text, duplicates included. */
  readonly keys: number;
  /** True when the text holds a `\u` escape, the only way in which a lone surrogate can enter valid UTF-8. */
  readonly hasUnicodeEscape: boolean;
  /** True when the text holds a number that a double may not keep: an exponent, or many digits around a point. */
  readonly hasLongNumber: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const POINT = 0x2e;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const SMALL_U = 0x75;
const BIG_E = 0x45;
const SMALL_E = 0x65;

/** So many digits of any number are kept by a double (IEEE 754 binary64), where no exponent makes it very small. */
const safeDigits = 15;

/** How a JSON value begins that is no object. */
const otherValue = /^(?:["[\d-]|true|false|null)/;

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** Digits in front of a point, counted as far as it matters. */
function digitsBefore(bytes: Uint8Array, point: number): number {
  let count = 0;
  while (count <= safeDigits && isDigit(bytes[point - 1 - count])) count++;
  return count;
}

/** Digits behind a point, counted as far as it matters. */
function digitsAfter(bytes: Uint8Array, point: number): number {
  let count = 0;
  while (count <= safeDigits && isDigit(bytes[point + 1 + count])) count++;
  return count;
}

function malformed(offset: number, expected: string): never {
  throw new SealtrailError('malformed_json', `expected ${expected} at byte ${offset}`);
}

/** JSON of another type is not acceptable; anything else is not JSON. */
function notAnObject(bytes: Uint8Array, offset: number, code: InvalidCode): never {
  if (otherValue.test(String.fromCharCode(...bytes.subarray(offset, offset + 5))))
    throw new SealtrailError(code, `expected an object at byte ${offset}`);
  malformed(offset, 'an object');
}

/** First offset at or after `offset` that is not JSON white space. */
export function skipSpace(bytes: Uint8Array, offset: number): number {
  let at = offset;
  while (isSpace(bytes[at])) at++;
  return at;
}

/**
 * Finds the end of the object that starts at `start`. Attacker-controlled input: one pass over the bytes, no recursion,
 * and nesting beyond {@link eventLimits}.depth ends it. Whether the text in between is JSON is `JSON.parse`'s question.
 *
 * @throws SealtrailError malformed_json, or the code given
 */
export function scanObject(
  bytes: Uint8Array,
  start: number,
  code: InvalidCode = 'invalid_event',
): ScannedValue {
  if (bytes[start] !== OPEN_BRACE) notAnObject(bytes, start, code);
  let depth = 0;
  let keys = 0;
  let hasUnicodeEscape = false;
  let hasLongNumber = false;
  for (let at = start; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        for (at++; bytes[at] !== QUOTE; at++) {
          if (at >= bytes.length) malformed(at, 'the end of a string');
          if (bytes[at] === BACKSLASH) {
            at++;
            if (bytes[at] === SMALL_U) hasUnicodeEscape = true;
          }
        }
        break;
      case COLON:
        keys++;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth++;
        if (depth > eventLimits.depth) {
          throw new SealtrailError(code, `expected at most ${eventLimits.depth} levels of nesting`);
        }
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
        if (depth === 0) return { start, end: at + 1, keys, hasUnicodeEscape, hasLongNumber };
        break;
      case POINT: {
        const digits = digitsBefore(bytes, at) + digitsAfter(bytes, at);
        if (digits > safeDigits) hasLongNumber = true;
        break;
      }
      case BIG_E:
      case SMALL_E:
        // The others are in `true` and `false`.
        if (isDigit(bytes[at - 1])) hasLongNumber = true;
        break;
    }
  }
  return malformed(bytes.length, 'the end of an object');
}

/**
 * Finds one object and sees that nothing but white space is around it.
 *
 * @throws SealtrailError malformed_json, or the code given
 */
export function scanWhole(bytes: Uint8Array, code: InvalidCode = 'invalid_event'): ScannedValue {
  const value = scanObject(bytes, skipSpace(bytes, 0), code);
  expectEnd(bytes, value.end);
  return value;
}

/**
 * Finds the elements of a JSON array of objects, each to be parsed, and judged, on its own.
 *
 * @throws SealtrailError malformed_json | invalid_event: the element that was to come next is at fault
 */
export function* scanArray(bytes: Uint8Array, start: number): Generator<ScannedValue> {
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === CLOSE_BRACKET) {
    expectEnd(bytes, at + 1);
    return;
  }
  for (;;) {
    const value = scanObject(bytes, at);
    yield value;
    at = skipSpace(bytes, value.end);
    if (bytes[at] === CLOSE_BRACKET) {
      expectEnd(bytes, at + 1);
      return;
    }
    if (bytes[at] !== COMMA) malformed(at, 'a comma or the end of the array');
    at = skipSpace(bytes, at + 1);
  }
}

/** Nothing but white space may follow. */
export function expectEnd(bytes: Uint8Array, offset: number): void {
  const at = skipSpace(bytes, offset);
  if (at < bytes.length) malformed(at, 'the end of the body');
}

/** One reference token of a JSON Pointer (RFC 6901 section 3). */
export function escapePointer(key: string): string {
  return key.slice(0, eventLimits.keyLength).replaceAll('~', '~0').replaceAll('/', '~1');
}
