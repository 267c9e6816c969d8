import { type Field, ipText, SealtrailError, type Stats } from '@sealtrail/core';
import { Bitmap } from './bitmap.ts';
import type { Segment } from './segment.ts';
import { fieldCode, metadataPrefix, type ScalarType, shownValue } from './terms.ts';

/** Distinct values kept while counting; a field with more is not one to count by. */
const maxValues = 500_000;

const scalarTypes: readonly ScalarType[] = ['s', 'n', 'b'];

/** How many entries have which value in a field. An entry with several values counts for each of them once. */
export class ValueCounts {
  readonly #field: Field;
  readonly #limit: number;
  readonly #counts: Map<string, number> = new Map();

  /** @param limit values to report, the most frequent ones */
  constructor(field: Field, limit: number) {
    this.#field = field;
    this.#limit = limit;
  }

  /** Counts the values of some entries of a segment. @throws SealtrailError invalid_parameter when there are too many */
  add(segment: Segment, entries: Bitmap): void {
    if (this.#field.kind === 'metadata') {
      this.#addMetadata(segment, entries);
      return;
    }
    segment.forEachTerm(fieldCode(this.#field), (term, postings) =>
      this.#count(term.slice(1), postings.countIn(entries)),
    );
  }

  result(): Pick<Stats, 'field' | 'values' | 'otherCount'> {
    const sorted = [...this.#counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    return {
      field: this.#field.name,
      values: sorted.slice(0, this.#limit).map(([value, count]) => ({ value: this.#shown(value), count })),
      otherCount: sorted.slice(this.#limit).reduce((sum, [, count]) => sum + count, 0),
    };
  }

  // The number 5 and the text "5" are one value to who asks; an entry that has both still counts once.
  #addMetadata(segment: Segment, entries: Bitmap): void {
    const path = this.#field.name.slice('metadata.'.length);
    const texts = new Set<string>();
    const twice: string[] = [];
    for (const type of scalarTypes) {
      const prefix = metadataPrefix(path, type);
      segment.forEachTerm(prefix, (term, postings) => {
        const value = term.slice(prefix.length);
        this.#count(value, postings.countIn(entries));
        if (type === 's') texts.add(value);
        else if (texts.has(value)) twice.push(prefix + value);
      });
    }
    for (const term of twice) {
      const [some, others] = [new Bitmap(), new Bitmap()];
      const value = term.slice(metadataPrefix(path, 'n').length);
      segment.addTerm(some, term);
      segment.addTerm(others, metadataPrefix(path, 's') + value);
      this.#count(value, -some.and(others).countIn(entries));
    }
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

  /** Addresses are kept as keys, long values by their beginning. */
  #shown(value: string): string {
    return this.#field.kind === 'ip' ? ipText(value) : shownValue(value);
  }
}
