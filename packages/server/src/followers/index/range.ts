import { type Field, ipKey, isWithin, type RangeFilter } from '@sealtrail/core';
import { Bitmap } from './bitmap.ts';
import { type Candidates, certainly } from './candidates.ts';
import { byValue, codeOf, everything, nothing, type Question } from './question.ts';
import { fieldCode } from './terms.ts';

/** The candidates of a range of numbers, times, addresses or ordered values. */
export function range(question: Question, field: Field, filter: RangeFilter): Candidates {
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

/** Adds the entries that have a number which passes. */
export function addNumbers(
  { segment }: Question,
  code: string,
  into: Bitmap,
  test: (value: number) => boolean,
): void {
  segment.numbers(code)?.addWhere(into, test);
}

/** Addresses from `first` to `last` that pass. */
export function addresses(
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
