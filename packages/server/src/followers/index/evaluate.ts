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
  type TextFilter,
  wholeValue,
  wordsOf,
} from '@sealtrail/core';
import { Bitmap } from './bitmap.ts';
import { both, type Candidates, certainly, either, neither, perhaps } from './candidates.ts';
import { byValue, codeOf, everything, nothing, type Question, term } from './question.ts';
import { addNumbers, addresses, range } from './range.ts';
import { BOOLEANS, EXISTS, fieldCode, TEXTS, WORD } from './terms.ts';
import { workOf } from './work.ts';

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
