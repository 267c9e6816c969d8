import { type Entry, parseTime } from '../event/event.ts';
import { isNumber, wholeValue } from './condition.ts';
import {
  type Field,
  fields,
  fieldValues,
  resolveField,
  type Scalar,
  someValue,
  visitScalars,
} from './fields.ts';
import type { Filter, RangeFilter, TextFilter } from './filter.ts';
import { cidrRange, ipKey } from './ip.ts';
import { foldCase, hasPhrase, wordsOf } from './words.ts';

/** Whether an entry is looked for. */
export type Matcher = (entry: Entry) => boolean;

/**
 * Whether an entry is looked for: the meaning of a filter, which every index must agree with. To judge many entries,
 * {@link compileFilter} once.
 */
export function matches(filter: Filter, entry: Entry): boolean {
  return compileFilter(filter)(entry);
}

/** A filter made ready to judge many entries. */
export function compileFilter(filter: Filter): Matcher {
  switch (filter.op) {
    case 'all':
      return () => true;
    case 'and': {
      const parts = filter.filters.map(compileFilter);
      return (entry) => parts.every((part) => part(entry));
    }
    case 'or': {
      const parts = filter.filters.map(compileFilter);
      return (entry) => parts.some((part) => part(entry));
    }
    case 'not': {
      const part = compileFilter(filter.filter);
      return (entry) => !part(entry);
    }
    case 'text':
      return filter.field === undefined ? anyText(filter) : onField(filter.field, phraseTest(filter));
    case 'exists':
      return onField(filter.field, () => true);
    case 'eq':
      return onField(filter.field, equalTest(fieldOf(filter.field), filter.value));
    case 'glob':
      return onField(filter.field, globTest(fieldOf(filter.field), filter.parts));
    case 'cidr': {
      const { first, last } = cidrRange(filter.network)!;
      return onField(
        filter.field,
        addressTest((key) => key >= first && key <= last),
      );
    }
    case 'range':
      return onField(filter.field, rangeTest(fieldOf(filter.field), filter));
  }
}

/** Whether a value of a field is looked for. */
export type ValueTest = (value: Scalar) => boolean;

/** The field of a filter, which names only fields there are. */
export function fieldOf(name: string): Field {
  const field = resolveField(name);
  if (field === undefined) throw new TypeError(`A filter names the unknown field ${name}`);
  return field;
}

function onField(name: string, test: ValueTest): Matcher {
  const field = fieldOf(name);
  return (entry) => someValue(field, entry, test);
}

function equalTest(field: Field, text: string): ValueTest {
  switch (field.kind) {
    case 'keyword':
    case 'text':
      return (value) => value === text;
    case 'number':
    case 'time': {
      const number = Number(text);
      return (value) => value === number;
    }
    case 'ip': {
      const wanted = ipKey(text);
      return addressTest((key) => key === wanted);
    }
    case 'metadata': {
      const number = isNumber(text) ? Number(text) : undefined;
      return (value) =>
        typeof value === 'string'
          ? value === text
          : typeof value === 'number'
            ? value === number
            : String(value) === text;
    }
  }
}

/** Whether a whole string value fits `parts` with anything between them; for text fields case is ignored. */
export function globTest(field: Field, parts: readonly string[]): ValueTest {
  const folded = field.kind === 'text';
  const wanted = folded ? parts.map(foldCase) : parts;
  return (value) => typeof value === 'string' && fits(folded ? foldCase(value) : value, wanted);
}

function fits(text: string, parts: readonly string[]): boolean {
  const [first, last] = [parts[0]!, parts[parts.length - 1]!];
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
    return false;
  // The leftmost place for each part leaves the most room for the next.
  let at = first.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const found = text.indexOf(parts[i]!, at);
    if (found < 0) return false;
    at = found + parts[i]!.length;
  }
  return at <= text.length - last.length;
}

function addressTest(test: (key: string) => boolean): ValueTest {
  return (value) => {
    const key = typeof value === 'string' ? ipKey(value) : undefined;
    return key !== undefined && test(key);
  };
}

function rangeTest(field: Field, filter: RangeFilter): ValueTest {
  switch (field.kind) {
    case 'number':
    case 'metadata':
      return (value) => typeof value === 'number' && isWithin(filter, value, Number);
    case 'time':
      return (value) => {
        const ms = typeof value === 'string' ? parseTime(value) : undefined;
        return ms !== undefined && isWithin(filter, ms, Number);
      };
    case 'ip':
      return addressTest((key) => isWithin(filter, key, (bound) => ipKey(String(bound))!));
    case 'keyword':
    case 'text': {
      const rank = (value: string | number): number => field.values!.indexOf(String(value));
      return (value) => typeof value === 'string' && rank(value) >= 0 && isWithin(filter, rank(value), rank);
    }
  }
}

/** Whether a value lies in a range; `read` makes its bounds comparable with the value. */
export function isWithin<T extends number | string>(
  range: RangeFilter,
  value: T,
  read: (bound: number | string) => T,
): boolean {
  return (
    (range.gt === undefined || value > read(range.gt)) &&
    (range.gte === undefined || value >= read(range.gte)) &&
    (range.lt === undefined || value < read(range.lt)) &&
    (range.lte === undefined || value <= read(range.lte))
  );
}

function phraseTest(filter: TextFilter): ValueTest {
  const phrase = wordsOf(filter.text);
  return (value) => typeof value === 'string' && hasPhrase(wordsOf(value), phrase, filter.prefix);
}

const wholeFields = fields.filter((field) => field.search === 'whole');

function anyText(filter: TextFilter): Matcher {
  const test = phraseTest(filter);
  const whole: Matcher[] = filter.prefix
    ? []
    : wholeFields.map((field) => onField(field.name, equalTest(field, wholeValue(field, filter.text))));
  return (entry) => searchTexts(entry).some(test) || whole.some((part) => part(entry));
}

const wordFields = fields.filter((field) => field.search === 'words');

/**
 * Every text that a search without a field looks for words in: the fields whose `search` is `words`, and all strings in
 * `metadata` and in `before` and `after` of `changes`.
 */
export function searchTexts(entry: Entry): string[] {
  const texts: string[] = [];
  const add = (value: Scalar): void => {
    if (typeof value === 'string') texts.push(value);
  };
  for (const field of wordFields) for (const value of fieldValues(field, entry)) add(value);
  visitScalars(entry.metadata, '', (_path, value) => add(value));
  for (const change of entry.changes ?? []) {
    visitScalars(change.before, '', (_path, value) => add(value));
    visitScalars(change.after, '', (_path, value) => add(value));
  }
  return texts;
}
