import { timeRange } from '../event/limits.ts';
import type { Field } from './fields.ts';
import { all, type Filter, not } from './filter.ts';
import { cidrText, ipKey, ipText } from './ip.ts';
import { parseTimeSpan } from './time-span.ts';
import { wordsOf } from './words.ts';

/** `:` reads wildcards and ranges, `=` takes the value as it is, the rest compare. */
export type Operator = ':' | '=' | '<' | '<=' | '>' | '>=';

/** A value as written: its text split at every `*` that is a wildcard. A quoted one ends in at most one wildcard. */
export interface Value {
  readonly parts: readonly string[];
  readonly quoted: boolean;
}

/** What a condition is refused with: says what was expected. The caller adds where. */
export class ConditionError extends Error {
  override readonly name = 'ConditionError';
}

/**
 * One condition on one field: decides, by the kind of the field, what a value means.
 *
 * @throws ConditionError when the value does not suit the field
 */
export function condition(field: Field, operator: Operator, value: Value, nowMs: number): Filter {
  const parts = operator === '=' ? [value.parts.join('*')] : withoutRepeats(value.parts);
  const text = parts.join('*');
  if (operator === ':' && parts.length > 1 && parts.every((part) => part === ''))
    return { op: 'exists', field: field.name };
  if (operator === ':' && !value.quoted && parts.length === 1) {
    const range = between(field, text, nowMs);
    if (range !== undefined) return range;
  }
  if (operator !== ':' && operator !== '=') {
    if (parts.length > 1) throw new ConditionError(`a comparison takes no wildcard`);
    return comparison(field, operator, text, nowMs);
  }
  switch (field.kind) {
    case 'keyword':
      return parts.length > 1
        ? { op: 'glob', field: field.name, parts: parts.map((part) => wholeValue(field, part)) }
        : keyword(field, text);
    case 'metadata':
      return parts.length > 1
        ? { op: 'glob', field: field.name, parts }
        : { op: 'eq', field: field.name, value: text };
    case 'text':
      return operator === '=' ? { op: 'eq', field: field.name, value: text } : textCondition(field, parts);
    case 'number':
      return { op: 'eq', field: field.name, value: String(toNumber(field, text)) };
    case 'time': {
      const span = toSpan(field, text, nowMs);
      return { op: 'range', field: field.name, gte: span.first, lte: span.last };
    }
    case 'ip':
      return address(field, parts);
  }
}

/** A search without a field: words of any text. */
export function freeText(value: Value): Filter {
  const parts = withoutRepeats(value.parts);
  if (parts.length > 1 && parts.every((part) => part === '')) return { op: 'all' };
  return words(undefined, parts);
}

function keyword(field: Field, text: string): Filter {
  const value = wholeValue(field, text);
  if (field.values !== undefined && !field.values.includes(value))
    throw new ConditionError(`${field.name} is one of ${field.values.join(', ')}`);
  return { op: 'eq', field: field.name, value };
}

/** Event ids are kept in lower case; a copied upper-case UUID should be found. */
export function wholeValue(field: Field, text: string): string {
  return field.name === 'id' ? text.toLowerCase() : text;
}

function textCondition(field: Field, parts: readonly string[]): Filter {
  const onlyAtEnd = parts.length === 1 || (parts.length === 2 && parts[1] === '');
  return onlyAtEnd ? words(field.name, parts) : { op: 'glob', field: field.name, parts };
}

function words(field: string | undefined, parts: readonly string[]): Filter {
  if (parts.length > 2 || (parts.length === 2 && parts[1] !== ''))
    throw new ConditionError('in a search for words, * may only stand at the end');
  const text = parts[0]!;
  if (wordsOf(text).length === 0)
    throw new ConditionError('expected at least one letter or digit to search for');
  const prefix = parts.length === 2;
  return field === undefined ? { op: 'text', text, prefix } : { op: 'text', field, text, prefix };
}

function address(field: Field, parts: readonly string[]): Filter {
  const text = parts.join('*');
  // 10.1.* is how people write 10.1.0.0/16.
  if (parts.length === 2 && parts[1] === '' && /^(?:\d{1,3}\.){1,3}$/.test(parts[0]!)) {
    const octets = parts[0]!.split('.').length - 1;
    const network = cidrText(
      `${parts[0]}${Array(4 - octets)
        .fill('0')
        .join('.')}/${8 * octets}`,
    );
    if (network !== undefined) return { op: 'cidr', field: field.name, network };
  }
  const network = text.includes('/') ? cidrText(text) : undefined;
  if (network !== undefined) return { op: 'cidr', field: field.name, network };
  return { op: 'eq', field: field.name, value: toAddress(field, text) };
}

/** `a..b`, `a..` and `..b`, both ends included; undefined when the text is no range or the field has none. */
function between(field: Field, text: string, nowMs: number): Filter | undefined {
  const dots = text.indexOf('..');
  if (dots < 0 || !isRanged(field)) return undefined;
  const [from, to] = [text.slice(0, dots), text.slice(dots + 2)];
  // Metadata may be any text: only two numbers make a range.
  if (field.kind === 'metadata' && ![from, to].every((end) => end === '' || isNumber(end))) return undefined;
  if (from === '' && to === '') throw new ConditionError('expected a value before or after ..');
  return {
    op: 'range',
    field: field.name,
    ...(from === '' ? {} : { gte: bound(field, from, nowMs, 'first') }),
    ...(to === '' ? {} : { lte: bound(field, to, nowMs, 'last') }),
  };
}

function comparison(field: Field, operator: '<' | '<=' | '>' | '>=', text: string, nowMs: number): Filter {
  if (!isRanged(field)) throw new ConditionError(`${field.name} has no order: use ${field.name}:value`);
  // Milliseconds are whole, so times need no open ends: one form for each range.
  if (field.kind === 'time') {
    const { first, last } = toSpan(field, text, nowMs);
    switch (operator) {
      case '<':
        return first > timeRange.minMs ? { op: 'range', field: field.name, lte: first - 1 } : not(all);
      case '<=':
        return { op: 'range', field: field.name, lte: last };
      case '>':
        return last < timeRange.maxMs ? { op: 'range', field: field.name, gte: last + 1 } : not(all);
      case '>=':
        return { op: 'range', field: field.name, gte: first };
    }
  }
  const value = bound(field, text, nowMs, 'first');
  switch (operator) {
    case '<':
      return { op: 'range', field: field.name, lt: value };
    case '<=':
      return { op: 'range', field: field.name, lte: value };
    case '>':
      return { op: 'range', field: field.name, gt: value };
    case '>=':
      return { op: 'range', field: field.name, gte: value };
  }
}

function isRanged(field: Field): boolean {
  return field.ordered === true || (field.kind !== 'keyword' && field.kind !== 'text');
}

function bound(field: Field, text: string, nowMs: number, end: 'first' | 'last'): number | string {
  if (field.kind === 'time') return toSpan(field, text, nowMs)[end];
  if (field.kind === 'ip') return toAddress(field, text);
  if (field.kind !== 'keyword') return toNumber(field, text);
  if (!field.values!.includes(text))
    throw new ConditionError(`${field.name} is one of ${field.values!.join(', ')}`);
  return text;
}

function toNumber(field: Field, text: string): number {
  if (!isNumber(text)) throw new ConditionError(`${field.name} is compared with a number, such as 200`);
  return Number(text) + 0;
}

function toAddress(field: Field, text: string): string {
  const key = ipKey(text);
  if (key === undefined)
    throw new ConditionError(`${field.name} takes an IP address, a network (10.0.0.0/8) or a range (a..b)`);
  return ipText(key);
}

function toSpan(field: Field, text: string, nowMs: number): { first: number; last: number } {
  const span = parseTimeSpan(text, nowMs);
  if (span === undefined)
    throw new ConditionError(
      `${field.name} takes an RFC 3339 time, a date (2026-01-31) or a duration before now (24h)`,
    );
  return span;
}

/** True for a JSON number within the range of a double. */
export function isNumber(text: string): boolean {
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text));
}

// `a**b` says no more than `a*b`.
function withoutRepeats(parts: readonly string[]): readonly string[] {
  return parts.filter((part, i) => part !== '' || i === 0 || i === parts.length - 1);
}

/** `since:x` and `until:x`: from x on, and before x. */
export function timeBound(name: 'since' | 'until', value: Value, field: Field, nowMs: number): Filter {
  if (value.parts.length > 1) throw new ConditionError(`${name} takes no wildcard`);
  return comparison(field, name === 'since' ? '>=' : '<', value.parts[0]!, nowMs);
}
