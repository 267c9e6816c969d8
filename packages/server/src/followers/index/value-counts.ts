import {
  type Field,
  fieldValues,
  ipKey,
  ipText,
  type Scalar,
  SealtrailError,
  type Stats,
} from '@sealtrail/core';
import { Bitmap } from './bitmap.ts';
import type { EntrySource } from './entry-source.ts';
import { type MinuteScope, sumMinutes } from './minutes.ts';
import type { NumberColumn } from './numbers.ts';
import { rolledUpFields, type Segment, type TermPostings } from './segment.ts';
import { BOOLEANS, fieldCode, isCut, metadataPath, TEXTS, termValue } from './terms.ts';
import type { TrailEntries } from './trail-entries.ts';

/** Distinct values kept while counting; a field with more is not one to count by. */
const maxValues = 500_000;
/** Terms of a field that are gone through in the time that reading an entry takes, which is to read a bundle of the log. */
const termsPerEntry = 256;

/** How many entries have which value in a field. An entry with several values counts for each of them once. */
export class ValueCounts {
  readonly #field: Field;
  readonly #limit: number;
  readonly #source: EntrySource;
  /** By the values as terms hold them; numbers and booleans by their text. */
  readonly #counts: Map<string, number> = new Map();
  /** Index of an entry that has a value which terms do not hold in full. */
  readonly #examples: Map<string, number> = new Map();

  /**
   * @param limit values to report, the most frequent ones
   * @param source where values are read that terms do not hold in full
   */
  constructor(field: Field, limit: number, source: EntrySource) {
    this.#field = field;
    this.#limit = limit;
    this.#source = source;
  }

  /** Counts the values of some entries of a segment. @throws SealtrailError invalid_parameter when there are too many */
  add(segment: Segment, entries: Bitmap, trail: TrailEntries): void {
    const code =
      this.#field.kind === 'metadata' ? segment.pathCode(metadataPath(this.#field)) : fieldCode(this.#field);
    if (code === undefined) return;
    const found = entries.count();
    const terms = segment.termCount(this.#field.kind === 'metadata' ? code + TEXTS : code);
    if (found === 0) return;
    if (found * termsPerEntry < terms) {
      for (const number of entries.descending()) this.#addEntry(trail.indexOf(number));
      return;
    }
    if (this.#field.kind === 'number') this.#addNumbers(segment.numbers(code), entries);
    else if (this.#field.kind === 'metadata') this.#addMetadata(segment, code, entries, trail);
    else this.#addTerms(segment, code, entries, trail);
  }

  /** Counts the values of a field out of counts by minute; false, and nothing counted, when there are none. */
  addMinutes(segment: Segment, trail: string, scope: MinuteScope): boolean {
    const field = rolledUpFields.find((name) => name === this.#field.name);
    const values = field && segment.rolledUpValues(trail, field);
    if (field === undefined || values === undefined || values.some(isCut)) return false;
    for (const value of values)
      this.#count(
        value,
        sumMinutes(segment.rollUp(trail, field, value)!, scope, () => {}),
      );
    return true;
  }

  result(): Pick<Stats, 'field' | 'values' | 'otherCount'> {
    const sorted = [...this.#counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    return {
      field: this.#field.name,
      values: sorted.slice(0, this.#limit).map(([value, count]) => ({ value: this.#inFull(value), count })),
      otherCount: sorted.slice(this.#limit).reduce((sum, [, count]) => sum + count, 0),
    };
  }

  #addEntry(index: number): void {
    const values = fieldValues(this.#field, this.#source.entry(index)).map((value) => this.#key(value));
    for (const value of new Set(values)) {
      if (value === undefined) continue;
      this.#count(value, 1);
      if (isCut(value)) this.#examples.set(value, index);
    }
  }

  #addTerms(segment: Segment, code: string, entries: Bitmap, trail: TrailEntries): void {
    segment.forEachTerm(code, {}, (value, postings) => {
      const count = postings.countIn(entries);
      if (count === 0) return;
      if (isCut(value) && !this.#examples.has(value))
        this.#examples.set(value, trail.indexOf(anyOf(postings, entries)));
      this.#count(this.#field.kind === 'ip' ? ipText(value) : value, count);
    });
  }

  // The number 5 and the text "5" are one value to who asks; an entry that has both still counts once.
  #addMetadata(segment: Segment, code: string, entries: Bitmap, trail: TrailEntries): void {
    this.#addTerms(segment, code + TEXTS, entries, trail);
    this.#addTerms(segment, code + BOOLEANS, entries, trail);
    const numbers = segment.numbers(code);
    this.#addNumbers(numbers, entries);
    if (segment.termCount(code + TEXTS) === 0) return;
    const withText = (text: string): Bitmap => {
      const some = new Bitmap();
      segment.addTerm(some, code + TEXTS, text);
      return some.and(entries);
    };
    for (const text of ['true', 'false']) {
      const some = new Bitmap();
      segment.addTerm(some, code + BOOLEANS, text);
      this.#count(text, -withText(text).countIn(some));
    }
    // One value after the other, so that the text is looked up once for each.
    const pairs = [...(numbers?.distinctWithin(entries) ?? [])].sort(([, a], [, b]) => a - b);
    let current: { value: number; texts: Bitmap } | undefined;
    for (const [entry, value] of pairs) {
      if (current?.value !== value) current = { value, texts: withText(String(value)) };
      if (current.texts.has(entry)) this.#count(String(value), -1);
    }
  }

  #addNumbers(numbers: NumberColumn | undefined, entries: Bitmap): void {
    for (const [, value] of numbers?.distinctWithin(entries) ?? []) this.#count(String(value), 1);
  }

  #key(value: Scalar): string | undefined {
    if (typeof value !== 'string') return String(value);
    if (this.#field.kind !== 'ip') return termValue(value);
    const key = ipKey(value);
    return key === undefined ? undefined : ipText(key);
  }

  #count(value: string, count: number): void {
    if (count === 0) return;
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + count);
    if (this.#counts.size > maxValues) {
      throw new SealtrailError(
        'invalid_parameter',
        `field: ${this.#field.name} has more than ${maxValues} values; narrow the search`,
      );
    }
  }

  #inFull(value: string): string {
    if (!isCut(value)) return value;
    const values = fieldValues(this.#field, this.#source.entry(this.#examples.get(value)!));
    return String(values.find((one) => this.#key(one) === value));
  }
}

/** One entry out of two sets that have some in common. */
function anyOf(postings: TermPostings, entries: Bitmap): number {
  const all = new Bitmap();
  postings.addTo(all);
  return all.and(entries).descending().next().value!;
}
