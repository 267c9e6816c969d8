import { eventLimits } from './limits.ts';
import { escapePointer } from './scan.ts';

/** A structural fault in parsed JSON: where, and what was expected. */
export interface StructuralFault {
  readonly pointer: string;
  readonly message: string;
}

/** What {@link countKeys} answers when the value needs the exact look of {@link findStructuralFault}. */
export const SUSPICIOUS = -1;

/**
 * False for what JavaScript has already rounded: Infinity, which `1e400` becomes and for which JSON has no form, and
 * integers beyond 2^53 - 1, of which the value stored would not be the value sent (RFC 8785 section 3.2.2.3, I-JSON).
 */
export const isExact = (value: number): boolean =>
  Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));

/** Whether a key is none that {@link findStructuralFault} refuses, but for lone surrogates. */
export const isAllowedKey = (key: string): boolean =>
  key.length <= eventLimits.keyLength && key !== '__proto__' && !key.includes('\\');

/**
 * Object keys in a JSON value, nested ones included, or {@link SUSPICIOUS}. The fast walk over every event; the slow
 * one, which knows places, runs only on suspicion.
 *
 * @param checkText whether strings can hold lone surrogates at all
 */
export function countKeys(value: unknown, checkText: boolean): number {
  switch (typeof value) {
    case 'string':
      return checkText && !value.isWellFormed() ? SUSPICIOUS : 0;
    case 'number':
      return isExact(value) ? 0 : SUSPICIOUS;
    case 'object':
      break;
    default:
      return 0;
  }
  if (value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const keys = countKeys(value[i], checkText);
      if (keys === SUSPICIOUS) return SUSPICIOUS;
      count += keys;
    }
    return count;
  }
  for (const key in value) {
    if (!isAllowedKey(key) || (checkText && !key.isWellFormed())) return SUSPICIOUS;
    const keys = countKeys((value as Record<string, unknown>)[key], checkText);
    if (keys === SUSPICIOUS) return SUSPICIOUS;
    count += 1 + keys;
  }
  return count;
}

/**
 * What no schema can say about a JSON value: names that would poison a prototype, text that has no UTF-8 form, and
 * numbers that were rounded. Returns the first fault, or undefined.
 */
export function findStructuralFault(value: unknown, pointer = ''): StructuralFault | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed()
        ? undefined
        : { pointer, message: 'expected well-formed Unicode, found a lone surrogate' };
    case 'number':
      return isExact(value)
        ? undefined
        : {
            pointer,
            message: 'expected an integer within 2^53 - 1; send larger ones as text',
          };
    case 'object':
      break;
    default:
      return undefined;
  }
  if (value === null) return undefined;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const fault = findStructuralFault(value[i], `${pointer}/${i}`);
      if (fault) return fault;
    }
    return undefined;
  }
  for (const key of Object.keys(value)) {
    const at = `${pointer}/${escapePointer(key)}`;
    // V8's JSON.parse (Node 26) may take a key written with escapes for another one that begins with a backslash and was
    // seen before in the same place. Refusing such keys makes sure that no name is changed in silence.
    if (key.includes('\\')) return { pointer: at, message: 'a key with a backslash is not allowed' };
    if (key === '__proto__') return { pointer: at, message: 'the key __proto__ is not allowed' };
    if (key.length > eventLimits.keyLength) {
      return {
        pointer: at,
        message: `expected a key of at most ${eventLimits.keyLength} characters`,
      };
    }
    if (!key.isWellFormed()) return { pointer, message: 'expected well-formed Unicode in a key' };
    const fault = findStructuralFault((value as Record<string, unknown>)[key], at);
    if (fault) return fault;
  }
  return undefined;
}
