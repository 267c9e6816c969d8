import {
  cidrRange,
  type Field,
  type Filter,
  fieldOf,
  fields,
  globTest,
  hasPhrase,
  ipKey,
  isNumber,
  isWithin,
  type RangeFilter,
  type TextFilter,
  wholeValue,
  wordsOf,
} from '@sealtrail/core';
import { Bitmap } from './bitmap.ts';
import { both, type Candidates, certainly, either, neither, perhaps } from './candidates.ts';
import type { Segment, ValueShape } from './segment.ts';
import { BOOLEANS, EXISTS, fieldCode, isCut, metadataPath, TEXTS, termPrefix, WORD } from './terms.ts';

/** What is asked of a segment. */
export interface Question {
  readonly segment: Segment;
  readonly trail: string;
  /** The trail's entries in the segment. */
  readonly own: Bitmap;
  /** True when every entry between `may` and `must` will be looked at, so that it pays to know more. */
  readonly isCounting: boolean;
}

/** Terms that are walked through in the time that looking at one entry takes, which is to read a bundle of the log. */
const termsPerLook = 256;
/** Terms of a field that it pays to walk through to spare looking at entries. */
const maxWalkedTerms = 20_000;

/** The candidates among the entries of the trail. */
export function candidatesOf(question: Question, filter: Filter): Candidates {
  return conjunction(question, certainly(question.own), filter.op === 'and' ? filter.filters : [filter]);
}

function evaluate(question: Question, filter: Filter): Candidates {
  const { segment } = question;
  switch (filter.op) {
    case 'all':
      return everything(question);
    case 'and':
      return conjunction(question, everything(question), filter.filters);
    case 'or':
      return filter.filters.map((part) => evaluate(question, part)).reduce(either, nothing());
    case 'not':
      return neither(segment.entryCount, evaluate(question, filter.filter));
    case 'text':
      return text(question, filter);
    case 'exists':
      return exists(question, fieldOf(filter.field));
    case 'eq':
      return equal(question, fieldOf(filter.field), filter.value);
    case 'glob':
      return glob(question, fieldOf(filter.field), filter.parts);
    case 'cidr': {
      const { first, last } = cidrRange(filter.network)!;
      return addresses(question, fieldOf(filter.field), first, last, () => true);
    }
    case 'range':
      return range(question, fieldOf(filter.field), filter);
  }
}

/** Cheap conditions first: they often leave so few entries that looking at these is less work than the next condition. */
function conjunction(question: Question, start: Candidates, filters: readonly Filter[]): Candidates {
  let found = start;
  for (const [work, filter] of filters
    .map((filter) => [workOf(question, filter), filter] as const)
    .sort(([a], [b]) => a - b)) {
    if (found.may.isEmpty()) return found;
    if (work > termsPerLook && found.may.count() * termsPerLook < work) return perhaps(found.may);
    found = both(found, evaluate(question, filter));
  }
  return found;
}

/** How much work a filter is, in terms walked through. */
function workOf(question: Question, filter: Filter): number {
  switch (filter.op) {
    case 'all':
      return 0;
    case 'eq':
    case 'exists':
      return 1;
    case 'range':
    case 'cidr':
    case 'glob':
      return walkOf(question, filter);
    case 'text':
      return filter.prefix ? question.segment.termCount(WORD) / narrowed : 2;
    case 'not':
      return workOf(question, filter.filter);
    case 'and':
    case 'or':
      return filter.filters.reduce((sum, part) => sum + workOf(question, part), 0);
  }
}

/** Of how many terms one begins with a prefix, as a guess. */
const narrowed = 64;
/** A look through a column of numbers, in terms. */
const columnWork = 100;

function walkOf(question: Question, filter: Filter & { op: 'range' | 'cidr' | 'glob' }): number {
  const field = fieldOf(filter.field);
  if (filter.op === 'range' && field.kind !== 'ip') return columnWork;
  const code = codeOf(question, field);
  if (code === undefined) return 1;
  const terms = question.segment.termCount(field.kind === 'metadata' ? code + TEXTS : code);
  const isNarrowed = filter.op !== 'glob' || (field.kind !== 'text' && filter.parts[0] !== '');
  return isNarrowed ? terms / narrowed : terms;
}

function everything({ segment }: Question): Candidates {
  return certainly(Bitmap.upTo(segment.entryCount));
}

function nothing(): Candidates {
  return certainly(new Bitmap());
}

function term({ segment }: Question, code: string, value: string): Bitmap {
  const entries = new Bitmap();
  segment.addTerm(entries, code, value);
  return entries;
}

function exists(question: Question, field: Field): Candidates {
  if (field.kind === 'time' || field.name === 'trail') return everything(question);
  const code = codeOf(question, field);
  return code === undefined ? nothing() : certainly(term(question, EXISTS, code));
}

function equal(question: Question, field: Field, value: string): Candidates {
  if (field.name === 'trail') return value === question.trail ? everything(question) : nothing();
  const code = codeOf(question, field);
  if (code === undefined) return nothing();
  switch (field.kind) {
    case 'metadata': {
      const entries = term(question, code + TEXTS, value);
      question.segment.addTerm(entries, code + BOOLEANS, value);
      if (isNumber(value)) addNumbers(question, code, entries, (number) => number === Number(value));
      return certainly(entries);
    }
    case 'number': {
      const entries = new Bitmap();
      addNumbers(question, code, entries, (number) => number === Number(value));
      return certainly(entries);
    }
    case 'ip':
      return certainly(term(question, code, ipKey(value)!));
    case 'time':
      // Times are compared by ranges alone.
      return nothing();
    case 'keyword':
    case 'text': {
      if (!field.unique) return certainly(term(question, code, value));
      const entries = new Bitmap();
      question.segment.addUnique(entries, code, value);
      return perhaps(entries);
    }
  }
}

function glob(question: Question, field: Field, parts: readonly string[]): Candidates {
  const test = globTest(field, parts);
  if (field.name === 'trail') return test(question.trail) ? everything(question) : nothing();
  if (field.unique) return perhaps(exists(question, field).may);
  const code = codeOf(question, field);
  if (code === undefined) return nothing();
  // A text field is compared without regard to case, so its terms have nothing in common.
  const longest = parts.reduce((a, b) => (b.length > a.length ? b : a));
  const shape = field.kind === 'text' ? {} : { prefix: parts[0]!, part: longest };
  return byValue(question, field.kind === 'metadata' ? code + TEXTS : code, shape, test);
}

function range(question: Question, field: Field, filter: RangeFilter): Candidates {
  const { segment } = question;
  switch (field.kind) {
    case 'time':
      return times(question, field.name === 'time' ? 'time' : 'receivedAt', filter);
    case 'number':
    case 'metadata': {
      const entries = new Bitmap();
      const code = codeOf(question, field);
      if (code !== undefined) addNumbers(question, code, entries, numberTest(filter));
      return certainly(entries);
    }
    case 'ip': {
      const key = (bound: string | number): string => ipKey(String(bound))!;
      const first = filter.gte ?? filter.gt;
      const last = filter.lte ?? filter.lt;
      return addresses(
        question,
        field,
        first === undefined ? '0'.repeat(32) : key(first),
        last === undefined ? 'f'.repeat(32) : key(last),
        (address) => isWithin(filter, address, key),
      );
    }
    case 'keyword':
    case 'text': {
      const rank = (value: string | number): number => field.values!.indexOf(String(value));
      const entries = new Bitmap();
      for (const value of field.values!)
        if (isWithin(filter, rank(value), rank)) segment.addTerm(entries, fieldCode(field), value);
      return certainly(entries);
    }
  }
}

function times(question: Question, column: 'time' | 'receivedAt', filter: RangeFilter): Candidates {
  const { segment } = question;
  const test = numberTest(filter);
  if (column === 'time') {
    const { minTimeMs, maxTimeMs } = segment;
    if (test(minTimeMs) && test(maxTimeMs)) return everything(question);
    if (Number(filter.gte ?? filter.gt) > maxTimeMs || Number(filter.lte ?? filter.lt) < minTimeMs)
      return nothing();
  }
  const entries = new Bitmap();
  segment.times(column).addWhere(entries, test);
  return certainly(entries);
}

function numberTest(filter: RangeFilter): (value: number) => boolean {
  const low = Number(filter.gte ?? Number.NEGATIVE_INFINITY);
  const high = Number(filter.lte ?? Number.POSITIVE_INFINITY);
  const above = Number(filter.gt ?? Number.NEGATIVE_INFINITY);
  const below = Number(filter.lt ?? Number.POSITIVE_INFINITY);
  return (value) => value >= low && value <= high && value > above && value < below;
}

function addNumbers(
  { segment }: Question,
  code: string,
  into: Bitmap,
  test: (value: number) => boolean,
): void {
  segment.numbers(code)?.addWhere(into, test);
}

/** Addresses from `first` to `last` that pass. */
function addresses(
  question: Question,
  field: Field,
  first: string,
  last: string,
  test: (key: string) => boolean,
): Candidates {
  let common = 0;
  while (common < first.length && first[common] === last[common]) common++;
  return byValue(
    question,
    fieldCode(field),
    { prefix: first.slice(0, common) },
    (key) => key >= first && key <= last && test(key),
  );
}

/** Entries of all terms of a code whose value passes, and perhaps those whose value was too long to be kept. */
function byValue(
  { segment }: Question,
  code: string,
  shape: ValueShape,
  test: (value: string) => boolean,
): Candidates {
  const must = new Bitmap();
  const cut = new Bitmap();
  const start = termPrefix(shape.prefix ?? '');
  segment.forEachTerm(code, shape, (value, postings) => {
    if (isCut(value)) {
      if (value.startsWith(start)) postings.addTo(cut);
    } else if (test(value)) postings.addTo(must);
  });
  return cut.isEmpty() ? certainly(must) : { may: cut.or(must), must };
}

function text(question: Question, filter: TextFilter): Candidates {
  const phrase = wordsOf(filter.text);
  const field = filter.field === undefined ? undefined : fieldOf(filter.field);
  if (field && question.isCounting && question.segment.termCount(fieldCode(field)) <= maxWalkedTerms)
    return byValue(question, fieldCode(field), {}, (value) =>
      hasPhrase(wordsOf(value), phrase, filter.prefix),
    );
  const found = phrase
    .map((word, i) =>
      filter.prefix && i === phrase.length - 1
        ? byValue(question, WORD, { prefix: word }, (other) => other.startsWith(word))
        : certainly(term(question, WORD, word)),
    )
    .reduce(both);
  // That words stand side by side, and in which field, their terms do not say.
  if (field) return perhaps(both(found, exists(question, field)).may);
  const byWords = phrase.length === 1 ? found : perhaps(found.may);
  if (filter.prefix) return byWords;
  return wholeFields.map((one) => whole(question, one, wholeValue(one, filter.text))).reduce(either, byWords);
}

const wholeFields = fields.filter(({ search }) => search === 'whole');

function whole(question: Question, field: Field, value: string): Candidates {
  return field.kind === 'ip' && ipKey(value) === undefined ? nothing() : equal(question, field, value);
}

/** The code of a field, undefined for metadata that no entry of the segment has. */
function codeOf({ segment }: Question, field: Field): string | undefined {
  return field.kind === 'metadata' ? segment.pathCode(metadataPath(field)) : fieldCode(field);
}
