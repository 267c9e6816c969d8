import type { z } from 'zod';
import { type ErrorCode, type ErrorDetail, SealtrailError } from '../errors.ts';
import { expectation } from './expectation.ts';
import { countKeys, findStructuralFault, SUSPICIOUS } from './inspect.ts';
import { findJsonFault } from './json-fault.ts';
import { findDuplicateKey, findRoundedNumber } from './json-places.ts';
import { eventLimits } from './limits.ts';
import { escapePointer, type InvalidCode, type ScannedValue } from './scan.ts';

/** How faults of one kind of JSON object are told. */
export interface Wording {
  /** The object itself, where the fault is in no place within it. */
  readonly whole: string;
  /** The code of what is JSON, and yet not acceptable. */
  readonly code: InvalidCode;
  /** What is said of a field that the schema does not name. */
  readonly unknownField: string;
}

/** I-JSON (RFC 7493 section 2.2): a double keeps 15 digits of any number, and 17 of its own. */
const roundedNumber =
  'expected a number that a double (IEEE 754) keeps digit by digit; send one of more digits, or beyond its range, as text';

const utf8 = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Parses one JSON object. Attacker-controlled input; `scanned` has bounded its structure.
 *
 * @throws SealtrailError invalid_utf8 | malformed_json | duplicate_key, or the wording's code, with the places in
 *   `details`; messages hold no values
 */
export function parseObject(bytes: Uint8Array, scanned: ScannedValue, wording: Wording): unknown {
  const text = decode(bytes.subarray(scanned.start, scanned.end));
  const value = parseJson(text, wording);
  if (scanned.keys > eventLimits.keys)
    throw faultAt(wording, '', `expected at most ${eventLimits.keys} keys in the ${wording.whole}`);
  const keys = countKeys(value, scanned.hasUnicodeEscape);
  if (keys === SUSPICIOUS) {
    const found = findStructuralFault(value);
    if (found) throw faultAt(wording, found.pointer, found.message);
  }
  // Equal counts mean that no object names a key twice: JSON.parse keeps one of each.
  else if (keys !== scanned.keys) {
    const pointer = findDuplicateKey(text) ?? '';
    throw faultAt(wording, pointer, 'expected each key once in an object', 'duplicate_key');
  }
  const rounded = scanned.hasLongNumber ? findRoundedNumber(text) : undefined;
  if (rounded !== undefined) throw faultAt(wording, rounded, roundedNumber);
  return value;
}

/** What a schema makes of parsed JSON. @throws SealtrailError the wording's code, with the places in `details` */
export function validated<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  wording: Wording,
): z.output<Schema> {
  const parsed = schema.safeParse(value, { error: expectation });
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.slice(0, 16).flatMap((issue) => issueDetails(issue, wording));
  const [first] = details;
  throw new SealtrailError(wording.code, `${first?.pointer || wording.whole}: ${first?.message}`, {
    details,
  });
}

/** The error for one place in an object. */
export function faultAt(
  wording: Wording,
  pointer: string,
  message: string,
  code: ErrorCode = wording.code,
): SealtrailError {
  return new SealtrailError(code, `${pointer || wording.whole}: ${message}`, {
    details: [{ code, pointer, message }],
  });
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new SealtrailError('invalid_utf8', 'expected UTF-8', { cause });
  }
}

function parseJson(text: string, wording: Wording): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The engine's message quotes the text around the fault, which may be personal: only the place goes on.
    const { offset, expected } = findJsonFault(text);
    throw faultAt(wording, '', `expected ${expected} at character ${offset}`, 'malformed_json');
  }
}

function issueDetails(issue: z.core.$ZodIssue, { code, unknownField }: Wording): ErrorDetail[] {
  const pointer = issue.path.map((key) => `/${escapePointer(String(key))}`).join('');
  if (issue.code === 'unrecognized_keys')
    return issue.keys
      .slice(0, 8)
      .map((key) => ({ code, pointer: `${pointer}/${escapePointer(key)}`, message: unknownField }));
  return [{ code, pointer, message: issue.message }];
}
