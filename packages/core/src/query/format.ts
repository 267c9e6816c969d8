import { resolveField } from './fields.ts';
import type { Filter, RangeFilter } from './filter.ts';

/**
 * The text form of a filter, which {@link parseFilter} reads back as the same filter. The same filter always has the
 * same text.
 */
export function formatFilter(filter: Filter): string {
  switch (filter.op) {
    case 'all':
      return '*';
    case 'and':
      return filter.filters.map((part) => (part.op === 'or' ? group(part) : formatFilter(part))).join(' ');
    case 'or':
      return filter.filters.map(formatFilter).join(' OR ');
    case 'not':
      return `-${isCompound(filter.filter) ? group(filter.filter) : formatFilter(filter.filter)}`;
    case 'eq': {
      const sign = resolveField(filter.field)?.kind === 'text' ? '=' : ':';
      return `${name(filter.field)}${sign}${value(filter.value)}`;
    }
    case 'glob':
      return `${name(filter.field)}:${filter.parts.map(escaped).join('*')}`;
    case 'exists':
      return `${name(filter.field)}:*`;
    case 'range':
      return range(filter);
    case 'cidr':
      return `${name(filter.field)}:${filter.network}`;
    case 'text': {
      const field = filter.field === undefined ? '' : `${name(filter.field)}:`;
      return `${field}${word(filter.text)}${filter.prefix ? '*' : ''}`;
    }
  }
}

function isCompound(filter: Filter): boolean {
  // A range open at one end on both sides is two conditions side by side.
  return filter.op === 'and' || filter.op === 'or' || (filter.op === 'range' && range(filter).includes(' '));
}

function group(filter: Filter): string {
  return `(${formatFilter(filter)})`;
}

function range(filter: RangeFilter): string {
  const time = resolveField(filter.field)?.kind === 'time';
  const text = (bound: number | string): string =>
    time ? new Date(Number(bound)).toISOString() : String(bound);
  const field = name(filter.field);
  if (
    filter.gte !== undefined &&
    filter.lte !== undefined &&
    filter.gt === undefined &&
    filter.lt === undefined
  )
    return `${field}:${text(filter.gte)}..${text(filter.lte)}`;
  const conditions: string[] = [];
  if (filter.gt !== undefined) conditions.push(`${field}>${text(filter.gt)}`);
  if (filter.gte !== undefined) conditions.push(`${field}>=${text(filter.gte)}`);
  if (filter.lt !== undefined) conditions.push(`${field}<${text(filter.lt)}`);
  if (filter.lte !== undefined) conditions.push(`${field}<=${text(filter.lte)}`);
  return conditions.join(' ');
}

function name(field: string): string {
  return /^[A-Za-z_][\w.-]*$/.test(field) ? field : quoted(field);
}

// What stays as it is: no operator, wildcard, range or name sign in it, and no word that joins conditions.
function word(text: string): string {
  return /^(?!(?:AND|OR|NOT)$)\w[\w.@/-]*$/.test(text) && !text.includes('..') ? text : quoted(text);
}

function value(text: string): string {
  return /^\w[\w.@/:-]*$/.test(text) && !text.includes('..') ? text : quoted(text);
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function escaped(part: string): string {
  return part.replaceAll(/[\s()"*\\<>=]/g, '\\$&');
}
