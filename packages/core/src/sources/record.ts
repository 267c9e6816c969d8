import { SealtrailError } from '../errors.ts';
import { isAllowedKey, isExact } from '../event/inspect.ts';
import { isKept } from '../event/json-places.ts';
import { eventLimits } from '../event/limits.ts';
import type { RuleEvent } from '../sigma/event-fields.ts';

/** What is nested deeper is no record of any source. */
const maxDepth = 64;

/** Where a number may stand that a double does not keep: one of many digits, or with an exponent. */
const longNumber = /[:,[\s]-?\d(?:[\d.]{15}|[\d.]{0,14}[eE][+-]?\d)/;

/**
 * Parses the text of one JSON record. A number that a double does not keep digit by digit becomes the text that it was, so
 * that nothing is changed in silence.
 *
 * @throws SealtrailError malformed_json | unknown_record for what is no object; the messages hold no values
 */
export function parseRecord(text: string): RuleEvent {
  let value: unknown;
  try {
    value = longNumber.test(text) ? JSON.parse(text, keepNumber) : JSON.parse(text);
  } catch (cause) {
    // Of very deep nesting the engine says RangeError. Its message could quote the record.
    throw new SealtrailError('malformed_json', 'expected JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SealtrailError('unknown_record', 'expected a JSON object');
  if (!isWithinDepth(value, maxDepth))
    throw new SealtrailError('unknown_record', `expected at most ${maxDepth} levels of nesting`);
  return value as RuleEvent;
}

/** Engines tell a reviver the text of a scalar (ECMAScript, "JSON.parse source text access"); one that does not rounds. */
function keepNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  return isExact(value) && isKept(context.source) ? value : context.source;
}

function isWithinDepth(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth === 0) return false;
  for (const member of Object.values(value)) if (!isWithinDepth(member, depth - 1)) return false;
  return true;
}

/** Why an original is not in its entry. */
export type Omission = 'too_large' | 'too_deep' | 'too_many_keys' | 'key_not_allowed';

/** Levels and keys that are the entry's own: the event, metadata, and what else the mapping fills. */
const ownLevels = 2;
const ownKeys = 96;

/**
 * A record as it can stand in the metadata of an event, within the limits of one, or why it cannot. Lone surrogates become
 * replacement characters.
 */
export function storable(record: RuleEvent): { readonly value: unknown } | { readonly omitted: Omission } {
  const budget = { keys: eventLimits.keys - ownKeys };
  try {
    return { value: copy(record, eventLimits.depth - ownLevels, budget) };
  } catch (error) {
    if (!(error instanceof Unstorable)) throw error;
    return { omitted: error.omission };
  }
}

class Unstorable extends Error {
  readonly omission: Omission;
  constructor(omission: Omission) {
    super(omission);
    this.omission = omission;
  }
}

function copy(value: unknown, depth: number, budget: { keys: number }): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) throw new Unstorable('too_deep');
  if (Array.isArray(value)) return value.map((element) => copy(element, depth - 1, budget));
  const result: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (--budget.keys < 0) throw new Unstorable('too_many_keys');
    if (!isAllowed(key)) throw new Unstorable('key_not_allowed');
    result[key] = copy(member, depth - 1, budget);
  }
  return result;
}

const isAllowed = (key: string): boolean => isAllowedKey(key) && key.isWellFormed() && key !== 'toJSON';
