import type { JsonValue } from './event.ts';

/**
 * RFC 8785 (JCS) text of a JSON value: keys by UTF-16 code units, numbers and strings as ECMAScript writes them.
 *
 * @throws RangeError for numbers that JSON has no form for; lone surrogates are the parser's to refuse
 */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new RangeError('JSON has no form for this number');
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const object = value as { readonly [key: string]: JsonValue };
  const members: string[] = [];
  for (const key of Object.keys(object).sort()) {
    const member = object[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
}

/** True when `JSON.stringify` writes this value in RFC 8785 form already: every object's keys are in order. */
export function hasCanonicalOrder(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(hasCanonicalOrder);
  let previous = '';
  for (const key in value) {
    if (key < previous) return false;
    previous = key;
    if (!hasCanonicalOrder((value as Record<string, unknown>)[key])) return false;
  }
  return true;
}
