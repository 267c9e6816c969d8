import { type Entry, type Scalar, visitScalars } from '@sealtrail/core';
import { Bitmap } from './bitmap.ts';
import { type FieldSink, FieldSinks } from './field-sinks.ts';
import { AddressValues, TextValues, WordTerms } from './field-values.ts';
import { HashColumn } from './hashes.ts';
import { MetadataPaths } from './metadata-paths.ts';
import { NumberColumn } from './numbers.ts';
import { PostingArena } from './postings.ts';
import type { Segment, TermPostings, TermVisitor, TimeColumn, TrailRange, ValueShape } from './segment.ts';
import { BOOLEANS, EXISTS, TEXTS, WORD } from './terms.ts';

/** What one segment in memory may grow to, whatever its entries hold; it is then full before its time. */
const maxPostings = 8_000_000;
const maxTerms = 1_000_000;
const maxTextLength = 64 * 1024 * 1024;
const maxPaths = 65_536;

/** The newest part of the index, in memory. It is made again from the log when the process starts. */
export class OpenSegment implements Segment {
  readonly ranges: Map<string, TrailRange> = new Map();
  entryCount = 0;
  minTimeMs: number = Number.POSITIVE_INFINITY;
  maxTimeMs: number = Number.NEGATIVE_INFINITY;
  readonly arena: PostingArena = new PostingArena();
  readonly #capacity: number;
  readonly #times: Record<TimeColumn, NumberColumn>;
  readonly #words: WordTerms = new WordTerms(this.arena);
  readonly #fields: FieldSinks = new FieldSinks(this.arena, this.#words);
  readonly #metadata: MetadataPaths = new MetadataPaths(this.arena, this.#words);
  readonly #trails: Map<string, number> = new Map();

  /** @param capacity entries that it holds at most */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#times = { time: new NumberColumn(1024), receivedAt: new NumberColumn(1024) };
  }

  /** True when it takes no more. */
  get isFull(): boolean {
    return (
      this.entryCount >= this.#capacity ||
      this.arena.size >= maxPostings ||
      this.arena.termCount >= maxTerms ||
      this.arena.textLength >= maxTextLength ||
      this.#metadata.codes.size >= maxPaths
    );
  }

  /** Adds the next entry of a trail. */
  add(trail: string, index: number, entry: Entry): void {
    const number = this.entryCount++;
    const range = this.ranges.get(trail);
    this.ranges.set(trail, { trail, firstIndex: range?.firstIndex ?? index, endIndex: index + 1 });
    this.#addTrail(trail, number);
    const timeMs = Date.parse(entry.time);
    this.#times.time.add(number, timeMs);
    this.#times.receivedAt.add(number, Date.parse(entry.receivedAt));
    if (timeMs < this.minTimeMs) this.minTimeMs = timeMs;
    if (timeMs > this.maxTimeMs) this.maxTimeMs = timeMs;
    this.#fields.add(number, entry);
    if (entry.metadata)
      visitScalars(entry.metadata, '', (path, value) => this.#metadata.add(number, path, value));
    if (entry.changes) {
      const addWords = (_path: string, value: Scalar): void => {
        if (typeof value === 'string') this.#words.add(number, value);
      };
      for (const change of entry.changes) {
        visitScalars(change.before, '', addWords);
        visitScalars(change.after, '', addWords);
      }
    }
  }

  entriesOf(trail: string): Bitmap {
    const term = this.#trails.get(trail);
    if (term === undefined) return new Bitmap();
    if (this.#trails.size === 1) return Bitmap.upTo(this.entryCount);
    const entries = new Bitmap();
    this.arena.addTo(term, entries);
    return entries;
  }

  addTerm(into: Bitmap, code: string, value: string): void {
    const term = this.#term(code, value);
    if (term !== undefined) this.arena.addTo(term, into);
  }

  forEachTerm(code: string, _shape: ValueShape, visit: TermVisitor): void {
    for (const [value, term] of this.termsOf(code)) visit(value, this.#postings(term));
  }

  termCount(code: string): number {
    const values = this.#values(code);
    return values instanceof HashColumn ? 0 : (values?.count ?? 0);
  }

  addUnique(into: Bitmap, code: string, value: string): void {
    const values = this.#fields.byCode.get(code)?.values;
    if (values instanceof HashColumn) values.addTo(into, value);
  }

  numbers(code: string): NumberColumn | undefined {
    const values = this.#fields.byCode.get(code)?.values ?? this.#metadata.byCode.get(code)?.numbers;
    return values instanceof NumberColumn ? values : undefined;
  }

  times(column: TimeColumn): NumberColumn {
    return this.#times[column];
  }

  pathCode(path: string): string | undefined {
    return this.#metadata.codes.get(path);
  }

  rollUp(): undefined {
    return undefined;
  }

  rolledUpValues(): undefined {
    return undefined;
  }

  get trails(): ReadonlyMap<string, number> {
    return this.#trails;
  }

  get paths(): ReadonlyMap<string, string> {
    return this.#metadata.codes;
  }

  /** The codes that have terms. */
  *termCodes(): Generator<string> {
    yield WORD;
    yield EXISTS;
    for (const [code, { values }] of this.#fields.byCode)
      if (values instanceof TextValues || values instanceof AddressValues) yield code;
    for (const [code, { texts, booleans }] of this.#metadata.byCode) {
      if (texts) yield code + TEXTS;
      if (booleans) yield code + BOOLEANS;
    }
  }

  /** The values of a code with their terms in the arena, in no order. */
  termsOf(code: string): Iterable<readonly [value: string, term: number]> {
    if (code === WORD) return this.#words.terms;
    if (code === EXISTS) return this.#present();
    const values = this.#values(code);
    return values instanceof TextValues || values instanceof AddressValues
      ? values.entries()
      : (this.#booleans(code) ?? []);
  }

  /** Every column of numbers and of hashes, by code. */
  *columns(): Generator<readonly [code: string, column: NumberColumn | HashColumn]> {
    for (const [code, { values }] of this.#fields.byCode)
      if (values instanceof NumberColumn || values instanceof HashColumn) yield [code, values];
    for (const [code, { numbers }] of this.#metadata.byCode) if (numbers) yield [code, numbers];
  }

  #addTrail(trail: string, number: number): void {
    let term = this.#trails.get(trail);
    if (term === undefined) {
      term = this.arena.newTerm(trail);
      this.#trails.set(trail, term);
    }
    this.arena.add(term, number);
  }

  #values(code: string): FieldSink['values'] | undefined {
    const field = this.#fields.byCode.get(code)?.values;
    if (field || !code.endsWith(TEXTS)) return field;
    return this.#metadata.byCode.get(code.slice(0, -TEXTS.length))?.texts;
  }

  #booleans(code: string): ReadonlyMap<string, number> | undefined {
    return code.endsWith(BOOLEANS)
      ? this.#metadata.byCode.get(code.slice(0, -BOOLEANS.length))?.booleans
      : undefined;
  }

  #term(code: string, value: string): number | undefined {
    if (code === WORD) return this.#words.get(value);
    if (code === EXISTS) return (this.#fields.byCode.get(value) ?? this.#metadata.byCode.get(value))?.present;
    const values = this.#values(code);
    return values instanceof TextValues || values instanceof AddressValues
      ? values.get(value)
      : this.#booleans(code)?.get(value);
  }

  *#present(): Generator<readonly [code: string, term: number]> {
    for (const [code, { present }] of [...this.#fields.byCode, ...this.#metadata.byCode])
      if (this.arena.count(present) > 0) yield [code, present];
  }

  #postings(term: number): TermPostings {
    const arena = this.arena;
    return {
      count: arena.count(term),
      addTo: (into) => arena.addTo(term, into),
      countIn: (within) => arena.countIn(term, within),
    };
  }
}
