import {
  cidrRange,
  type Field,
  type Filter,
  fieldOf,
  fields,
  globTest,
  ipKey,
  isWithin,
  wholeValue,
  wordsOf,
} from '@sealtrail/core';
import { Bitmap } from './bitmap.ts';
import { valueTerm } from './open-segment.ts';
import type { Segment } from './segment.ts';
import {
  EXISTS,
  fieldCode,
  isCutTerm,
  METADATA,
  METADATA_EXISTS,
  metadataTerm,
  termPrefix,
  termValue,
  WORD,
} from './terms.ts';

/**
 * What a segment knows of a filter: the entries that may match, all of them included, and whether these are exactly the
 * ones that do. Where it is not exact, the entries themselves decide.
 */
export interface Candidates {
  readonly entries: Bitmap;
  readonly isExact: boolean;
}

/** The candidates of a filter among the entries of a segment. */
export function evaluate(segment: Segment, filter: Filter): Candidates {
  switch (filter.op) {
    case 'all':
      return everything(segment);
    case 'and':
      return filter.filters.map((part) => evaluate(segment, part)).reduce(both);
    case 'or':
      return filter.filters.map((part) => evaluate(segment, part)).reduce(either);
    case 'not': {
      const { entries, isExact } = evaluate(segment, filter.filter);
      // Without what may match, entries that do not would be lost: only exact sets can be taken away.
      if (!isExact) return { ...everything(segment), isExact: false };
      const rest = Bitmap.upTo(segment.entryCount);
      rest.removeAll(entries);
      return { entries: rest, isExact: true };
    }
    case 'text':
      return text(segment, filter.text, filter.prefix, filter.field);
    case 'exists':
      return exists(segment, fieldOf(filter.field));
    case 'eq':
      return equal(segment, fieldOf(filter.field), filter.value);
    case 'glob':
      return glob(segment, fieldOf(filter.field), filter.parts);
    case 'cidr': {
      const { first, last } = cidrRange(filter.network)!;
      return byValue(segment, fieldCode(fieldOf(filter.field)), (key) => key >= first && key <= last);
    }
    case 'range':
      return range(segment, fieldOf(filter.field), filter);
  }
}

function everything(segment: Segment): Candidates {
  return { entries: Bitmap.upTo(segment.entryCount), isExact: true };
}

function nothing(): Candidates {
  return { entries: new Bitmap(), isExact: true };
}

function both(a: Candidates, b: Candidates): Candidates {
  a.entries.retainAll(b.entries);
  return { entries: a.entries, isExact: a.isExact && b.isExact };
}

function either(a: Candidates, b: Candidates): Candidates {
  a.entries.addAll(b.entries);
  return { entries: a.entries, isExact: a.isExact && b.isExact };
}

function term(segment: Segment, key: string, isExact: boolean): Candidates {
  const entries = new Bitmap();
  segment.addTerm(entries, key);
  return { entries, isExact };
}

function exists(segment: Segment, field: Field): Candidates {
  if (field.kind === 'time' || field.name === 'trail') return everything(segment);
  if (field.kind === 'metadata') return term(segment, METADATA_EXISTS + metadataPath(field), true);
  return term(segment, EXISTS + fieldCode(field), true);
}

function equal(segment: Segment, field: Field, value: string): Candidates {
  if (field.name === 'trail') return { ...everything(segment), isExact: false };
  if (field.kind === 'metadata') {
    const path = metadataPath(field);
    const number = Number(value);
    const candidates = [term(segment, METADATA + metadataTerm(path, value), true)];
    if (value.trim() !== '' && Number.isFinite(number))
      candidates.push(term(segment, METADATA + metadataTerm(path, number), true));
    if (value === 'true' || value === 'false')
      candidates.push(term(segment, METADATA + metadataTerm(path, value === 'true'), true));
    return candidates.reduce(either);
  }
  return term(segment, fieldCode(field) + valueTerm(field, value), !field.unique);
}

function glob(segment: Segment, field: Field, parts: readonly string[]): Candidates {
  if (field.name === 'trail' || field.unique) return { ...exists(segment, field), isExact: false };
  const test = globTest(field, parts);
  if (field.kind === 'metadata') {
    const prefix = `${metadataPath(field)}\u0000s`;
    return byValue(segment, METADATA + prefix, (value) => test(value.slice(prefix.length)));
  }
  // A text field is compared without regard to case, so its terms have no common beginning.
  const start = field.kind === 'text' ? '' : termPrefix(parts[0]!);
  return byValue(segment, fieldCode(field) + start, test);
}

function range(segment: Segment, field: Field, filter: Filter & { op: 'range' }): Candidates {
  switch (field.kind) {
    case 'time': {
      const column = field.name === 'time' ? 'time' : 'receivedAt';
      const entries = new Bitmap();
      const [first, last] = [
        Number(filter.gte ?? Number.NEGATIVE_INFINITY),
        Number(filter.lte ?? Number.POSITIVE_INFINITY),
      ];
      if (column === 'time' && first <= segment.minTimeMs && last >= segment.maxTimeMs)
        return everything(segment);
      segment.times(column).forEach((ms, entry) => {
        if (ms >= first && ms <= last) entries.add(entry);
      });
      return { entries, isExact: true };
    }
    case 'number':
      return byValue(segment, fieldCode(field), (value) => isWithin(filter, Number(value), Number));
    case 'metadata': {
      const prefix = `${metadataPath(field)}\u0000n`;
      return byValue(segment, METADATA + prefix, (value) =>
        isWithin(filter, Number(value.slice(prefix.length)), Number),
      );
    }
    case 'ip':
      return byValue(segment, fieldCode(field), (key) =>
        isWithin(filter, key, (bound) => ipKey(String(bound))!),
      );
    case 'keyword':
    case 'text': {
      const rank = (value: string | number): number => field.values!.indexOf(String(value));
      return byValue(
        segment,
        fieldCode(field),
        (value) => rank(value) >= 0 && isWithin(filter, rank(value), rank),
      );
    }
  }
}

/** Entries of all terms with a prefix whose value passes; a value that was too long to keep is taken, and not exact. */
function byValue(segment: Segment, prefix: string, test: (value: string) => boolean): Candidates {
  const entries = new Bitmap();
  let isExact = true;
  segment.forEachTerm(prefix, (value, _count, postings) => {
    if (value.includes('\u0000') && isCutTerm(value.slice(Math.max(0, value.length - 103)))) {
      isExact = false;
      postings.addTo(entries);
    } else if (test(value)) postings.addTo(entries);
  });
  return { entries, isExact };
}

function text(segment: Segment, wanted: string, prefix: boolean, fieldName: string | undefined): Candidates {
  const field = fieldName === undefined ? undefined : fieldOf(fieldName);
  // Only what search without a field looks at has its words in the index.
  if (field && field.kind !== 'metadata' && field.search !== 'words')
    return { ...exists(segment, field), isExact: false };
  const words = wordsOf(wanted);
  const found = words
    .map(
      (word, i): Candidates =>
        prefix && i === words.length - 1
          ? byValue(segment, WORD + termPrefix(word), (value) => isCutTerm(value) || value.startsWith(word))
          : term(segment, WORD + termValue(word), true),
    )
    .reduce(both, everything(segment));
  if (field) return { ...found, isExact: false };
  const byWords = { ...found, isExact: found.isExact && words.length === 1 };
  if (prefix) return byWords;
  const whole = fields
    .filter(({ search }) => search === 'whole')
    .map((one) => wholeCandidates(segment, one, wholeValue(one, wanted)));
  return [byWords, ...whole].reduce(either);
}

function wholeCandidates(segment: Segment, field: Field, value: string): Candidates {
  if (field.kind === 'ip' && ipKey(value) === undefined) return nothing();
  const candidates = equal(segment, field, value);
  // Hashes of unique values that nobody has leave the set exact.
  return candidates.entries.isEmpty() ? nothing() : candidates;
}

const metadataPath = (field: Field): string => field.name.slice('metadata.'.length);
