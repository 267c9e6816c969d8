import { type Entry, type Field, fields, type Scalar, visitScalars, wordsOf } from '@sealtrail/core';
import type { Bitmap } from './bitmap.ts';
import type { RollUpRow, Run, Segment, TermPostings, TimeColumn, TrailRange } from './segment.ts';
import {
  EXISTS,
  fieldCode,
  METADATA,
  METADATA_EXISTS,
  metadataTerm,
  termValue,
  valueTerm,
  WORD,
} from './terms.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A rising list of entry numbers. */
type Postings = number[];

/** Where the values of one field go. */
interface FieldIndex {
  readonly field: Field;
  readonly code: string;
  readonly terms: Map<string, Postings>;
  readonly present: Postings;
}

/** The newest part of the index, in memory. It is made again from the log when the process starts. */
export class OpenSegment implements Segment {
  readonly #runs: Mutable<Run>[] = [];
  readonly #ranges: Map<string, Mutable<TrailRange>> = new Map();
  entryCount = 0;
  minTimeMs: number = Number.POSITIVE_INFINITY;
  maxTimeMs: number = Number.NEGATIVE_INFINITY;
  readonly #times: Record<TimeColumn, Float64Array>;
  readonly #fields: readonly FieldIndex[];
  readonly #words: Map<string, Postings> = new Map();
  readonly #metadata: Map<string, Postings> = new Map();
  readonly #metadataPaths: Map<string, Postings> = new Map();
  /** Postings of the words of texts seen before: user agents and names come again and again. */
  readonly #wordsOfText: Map<string, readonly Postings[]> = new Map();

  /** @param capacity entries that it will hold at most */
  constructor(capacity: number) {
    this.#times = { time: new Float64Array(capacity), receivedAt: new Float64Array(capacity) };
    this.#fields = fields
      .filter(({ kind, name }) => kind !== 'time' && name !== 'trail')
      .map((field) => ({ field, code: fieldCode(field), terms: new Map(), present: [] }));
  }

  /** Adds the next entry of a trail. */
  add(trail: string, index: number, entry: Entry): void {
    const number = this.entryCount++;
    this.#addPlace(trail, index, number);
    const timeMs = Date.parse(entry.time);
    this.#times.time[number] = timeMs;
    this.#times.receivedAt[number] = Date.parse(entry.receivedAt);
    if (timeMs < this.minTimeMs) this.minTimeMs = timeMs;
    if (timeMs > this.maxTimeMs) this.maxTimeMs = timeMs;
    for (const target of this.#fields) this.#addField(target, entry, number);
    if (entry.metadata) {
      visitScalars(entry.metadata, '', (path, value) => {
        push(this.#metadata, metadataTerm(path, value).slice(1), number);
        push(this.#metadataPaths, path, number);
        if (typeof value === 'string') this.#addWords(value, number);
      });
    }
    for (const change of entry.changes ?? []) {
      const addText = (_path: string, value: Scalar): void => {
        if (typeof value === 'string') this.#addWords(value, number);
      };
      visitScalars(change.before, '', addText);
      visitScalars(change.after, '', addText);
    }
  }

  get runs(): readonly Run[] {
    return this.#runs;
  }

  get ranges(): readonly TrailRange[] {
    return [...this.#ranges.values()];
  }

  addTerm(into: Bitmap, term: string): void {
    for (const number of this.#termsOf(term[0]!)?.get(term.slice(1)) ?? []) into.add(number);
  }

  forEachTerm(prefix: string, visit: (term: string, postings: TermPostings) => void): void {
    const code = prefix[0]!;
    const start = prefix.slice(1);
    for (const [value, numbers] of this.#termsOf(code) ?? []) {
      if (value.startsWith(start)) visit(code + value, postingsOf(numbers));
    }
  }

  times(column: TimeColumn): Float64Array {
    return this.#times[column].subarray(0, this.entryCount);
  }

  rollUps(): readonly RollUpRow[] | undefined {
    return undefined;
  }

  /** Every term with its entries, for sealing: one map after the other, each unsorted. */
  *termGroups(): Generator<readonly [code: string, terms: ReadonlyMap<string, readonly number[]>]> {
    yield [WORD, this.#words];
    yield [METADATA, this.#metadata];
    yield [METADATA_EXISTS, this.#metadataPaths];
    yield [EXISTS, this.#presence()];
    for (const { code, terms } of this.#fields) yield [code, terms];
  }

  #termsOf(code: string): ReadonlyMap<string, Postings> | undefined {
    switch (code) {
      case WORD:
        return this.#words;
      case METADATA:
        return this.#metadata;
      case METADATA_EXISTS:
        return this.#metadataPaths;
      case EXISTS:
        return this.#presence();
      default:
        return this.#fields.find((target) => target.code === code)?.terms;
    }
  }

  #presence(): Map<string, Postings> {
    return new Map(
      this.#fields.filter(({ present }) => present.length > 0).map(({ code, present }) => [code, present]),
    );
  }

  #addPlace(trail: string, index: number, number: number): void {
    const run = this.#runs.at(-1);
    if (run?.trail === trail && run.index + run.count === index) run.count++;
    else this.#runs.push({ first: number, trail, index, count: 1 });
    const range = this.#ranges.get(trail);
    if (range) range.endIndex = index + 1;
    else this.#ranges.set(trail, { trail, firstIndex: index, endIndex: index + 1 });
  }

  #addField(target: FieldIndex, entry: Entry, number: number): void {
    const { field } = target;
    let value: unknown = entry;
    if (field.many) {
      const elements = (entry as Record<string, unknown>)[field.path[0]!];
      if (!Array.isArray(elements)) return;
      for (const element of elements)
        this.#addValue(target, (element as Record<string, unknown>)[field.path[1]!], number);
      return;
    }
    for (const step of field.path) {
      value = (value as Record<string, unknown>)[step];
      if (value === undefined) return;
    }
    this.#addValue(target, value, number);
  }

  #addValue(target: FieldIndex, value: unknown, number: number): void {
    if (typeof value !== 'string' && typeof value !== 'number') return;
    const { field, terms, present } = target;
    if (present[present.length - 1] !== number) present.push(number);
    push(terms, valueTerm(field, value), number);
    if (field.search === 'words' && typeof value === 'string') this.#addWords(value, number);
  }

  #addWords(text: string, number: number): void {
    let lists = this.#wordsOfText.get(text);
    if (!lists) {
      lists = wordsOf(text).map((word) => listOf(this.#words, termValue(word)));
      this.#wordsOfText.set(text, lists);
    }
    for (const list of lists) if (list[list.length - 1] !== number) list.push(number);
  }
}

function listOf(terms: Map<string, Postings>, term: string): Postings {
  let list = terms.get(term);
  if (!list) {
    list = [];
    terms.set(term, list);
  }
  return list;
}

function push(terms: Map<string, Postings>, term: string, number: number): void {
  const list = listOf(terms, term);
  if (list[list.length - 1] !== number) list.push(number);
}

const postingsOf = (numbers: readonly number[]): TermPostings => ({
  addTo(into) {
    for (const number of numbers) into.add(number);
  },
  countIn: (within) => numbers.reduce((count, number) => count + (within.has(number) ? 1 : 0), 0),
});
