import {
  cidrRange,
  type Field,
  type Filter,
  fieldOf,
  fields,
  globTest,
  ipKey,
  isNumber,
  isWithin,
  type TextFilter,
  wholeValue,
  wordsOf,
} from '@sealtrail/core';
import { Bitmap } from './bitmap.ts';
import { both, type Candidates, certainly, either, neither, perhaps } from './candidates.ts';
import type { Segment } from './segment.ts';
import {
  EXISTS,
  fieldCode,
  isCutTerm,
  METADATA_EXISTS,
  metadataPrefix,
  metadataTerm,
  termPrefix,
  termValue,
  valueTerm,
  WORD,
} from './terms.ts';

/** The candidates of a filter among the entries of a segment. It means what core's `matches` says. */
export function evaluate(segment: Segment, filter: Filter): Candidates {
  switch (filter.op) {
    case 'all':
      return everything(segment);
    case 'and':
      return filter.filters.map((part) => evaluate(segment, part)).reduce(both);
    case 'or':
      return filter.filters.map((part) => evaluate(segment, part)).reduce(either);
    case 'not':
      return neither(segment.entryCount, evaluate(segment, filter.filter));
    case 'text':
      return text(segment, filter);
    case 'exists':
      return certainly(present(segment, fieldOf(filter.field)));
    case 'eq':
      return equal(segment, fieldOf(filter.field), filter.value);
    case 'glob':
      return glob(segment, fieldOf(filter.field), filter.parts);
    case 'cidr': {
      const { first, last } = cidrRange(filter.network)!;
      return byValue(segment, fieldCode(fieldOf(filter.field)), '', (key) => key >= first && key <= last);
    }
    case 'range':
      return range(segment, fieldOf(filter.field), filter);
  }
}

const everything = (segment: Segment): Candidates => certainly(Bitmap.upTo(segment.entryCount));

function withTerm(segment: Segment, term: string): Bitmap {
  const entries = new Bitmap();
  segment.addTerm(entries, term);
  return entries;
}

/** The entries that have a value in a field. */
function present(segment: Segment, field: Field): Bitmap {
  if (field.kind === 'metadata') return withTerm(segment, METADATA_EXISTS + metadataPath(field));
  // Every entry has these, and they are not in the index.
  if (field.kind === 'time' || field.name === 'trail') return Bitmap.upTo(segment.entryCount);
  return withTerm(segment, EXISTS + fieldCode(field));
}

function equal(segment: Segment, field: Field, value: string): Candidates {
  if (field.name === 'trail') return perhaps(present(segment, field));
  if (field.kind === 'metadata') {
    const path = metadataPath(field);
    let entries = withTerm(segment, metadataTerm(path, value));
    if (isNumber(value)) entries = entries.or(withTerm(segment, metadataTerm(path, Number(value))));
    if (value === 'true' || value === 'false')
      entries = entries.or(withTerm(segment, metadataTerm(path, value === 'true')));
    return certainly(entries);
  }
  const entries = withTerm(segment, fieldCode(field) + valueTerm(field, value));
  return field.unique ? perhaps(entries) : certainly(entries);
}

function glob(segment: Segment, field: Field, parts: readonly string[]): Candidates {
  if (field.name === 'trail' || field.unique) return perhaps(present(segment, field));
  const test = globTest(field, parts);
  const start = termPrefix(parts[0]!);
  if (field.kind === 'metadata')
    return byValue(segment, metadataPrefix(metadataPath(field), 's'), start, test);
  // A text field is compared without regard to case, so its terms have no common beginning.
  return byValue(segment, fieldCode(field), field.kind === 'text' ? '' : start, test);
}

function range(segment: Segment, field: Field, filter: Filter & { op: 'range' }): Candidates {
  switch (field.kind) {
    case 'time':
      return timeRange(segment, field, filter);
    case 'number':
      return byValue(segment, fieldCode(field), '', (value) => isWithin(filter, Number(value), Number));
    case 'metadata':
      return byValue(segment, metadataPrefix(metadataPath(field), 'n'), '', (value) =>
        isWithin(filter, Number(value), Number),
      );
    case 'ip':
      return byValue(segment, fieldCode(field), '', (key) =>
        isWithin(filter, key, (bound) => ipKey(String(bound))!),
      );
    case 'keyword':
    case 'text': {
      const rank = (value: string | number): number => field.values!.indexOf(String(value));
      const test = (value: string): boolean => rank(value) >= 0 && isWithin(filter, rank(value), rank);
      return byValue(segment, fieldCode(field), '', test);
    }
  }
}

function timeRange(segment: Segment, field: Field, filter: Filter & { op: 'range' }): Candidates {
  const first = Number(filter.gte ?? Number.NEGATIVE_INFINITY);
  const last = Number(filter.lte ?? Number.POSITIVE_INFINITY);
  const isTime = field.name === 'time';
  if (isTime && first <= segment.minTimeMs && last >= segment.maxTimeMs) return everything(segment);
  const entries = new Bitmap();
  segment.times(isTime ? 'time' : 'receivedAt').forEach((ms, entry) => {
    if (ms >= first && ms <= last) entries.add(entry);
  });
  return certainly(entries);
}

/**
 * Entries of all terms whose value passes a test: `kind` is what such terms begin with, `start` how every value that
 * passes begins. A value that is not kept in full may pass.
 */
function byValue(
  segment: Segment,
  kind: string,
  start: string,
  test: (value: string) => boolean,
): Candidates {
  const must = new Bitmap();
  let cut: Bitmap | undefined;
  segment.forEachTerm(kind + start, (term, postings) => {
    const value = term.slice(kind.length);
    if (isCutTerm(value)) {
      cut ??= new Bitmap();
      postings.addTo(cut);
    } else if (test(value)) postings.addTo(must);
  });
  return { may: cut ? must.or(cut) : must, must };
}

function text(segment: Segment, { field: name, text: wanted, prefix }: TextFilter): Candidates {
  const field = name === undefined ? undefined : fieldOf(name);
  // Only what search without a field looks at has its words in the index.
  if (field && field.kind !== 'metadata' && field.search !== 'words') return perhaps(present(segment, field));
  const words = wordsOf(wanted);
  const found = words
    .map((word, i) =>
      prefix && i === words.length - 1
        ? byValue(segment, WORD, termPrefix(word), (value) => value.startsWith(word))
        : certainly(withTerm(segment, WORD + termValue(word))),
    )
    .reduce(both, everything(segment));
  // The index knows that the words are there: not in which field, and not that they are side by side.
  if (field) return both(found, perhaps(present(segment, field)));
  const byWords = words.length === 1 ? found : perhaps(found.may);
  if (prefix) return byWords;
  return wholeFields.map((one) => whole(segment, one, wanted)).reduce(either, byWords);
}

const wholeFields = fields.filter(({ search }) => search === 'whole');

/** Ids and addresses that equal the text of a search without a field. */
function whole(segment: Segment, field: Field, text: string): Candidates {
  if (field.kind === 'ip' && ipKey(text) === undefined) return certainly(new Bitmap());
  return equal(segment, field, wholeValue(field, text));
}

const metadataPath = (field: Field): string => field.name.slice('metadata.'.length);
