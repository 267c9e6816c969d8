import { type Entry, type Field, fields, type Scalar, visitScalars } from '@sealtrail/core';
import { Bitmap } from './bitmap.ts';
import { AddressValues, PathValues, TextValues, WordTerms } from './field-values.ts';
import { HashColumn } from './hashes.ts';
import { NumberColumn } from './numbers.ts';
import { PostingArena } from './postings.ts';
import type { Segment, TermPostings, TermVisitor, TimeColumn, TrailRange, ValueShape } from './segment.ts';
import { BOOLEANS, EXISTS, fieldCode, pathCode, TEXTS, WORD } from './terms.ts';

/** Where the values of one field of the table go. */
interface FieldSink {
  readonly code: string;
  /** The last key of the field's path. */
  readonly key: string;
  readonly present: number;
  readonly values: TextValues | AddressValues | NumberColumn | HashColumn;
}

/** Fields that lie in one object of the entry. */
interface SinkGroup {
  readonly path: readonly string[];
  readonly many: boolean;
  readonly sinks: readonly FieldSink[];
}

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
  readonly #groups: readonly SinkGroup[];
  readonly #sinks: ReadonlyMap<string, FieldSink>;
  readonly #trails: Map<string, number> = new Map();
  readonly #paths: Map<string, PathValues> = new Map();
  readonly #pathsByCode: Map<string, PathValues> = new Map();
  readonly #pathCodes: Map<string, string> = new Map();

  /** @param capacity entries that it holds at most */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#times = { time: new NumberColumn(1024), receivedAt: new NumberColumn(1024) };
    this.#groups = groupsOf(fields.filter(isIndexed), (field) => this.#sinkOf(field));
    this.#sinks = new Map(this.#groups.flatMap(({ sinks }) => sinks.map((sink) => [sink.code, sink])));
  }

  /** True when it takes no more. */
  get isFull(): boolean {
    return (
      this.entryCount >= this.#capacity ||
      this.arena.size >= maxPostings ||
      this.arena.termCount >= maxTerms ||
      this.arena.textLength >= maxTextLength ||
      this.#paths.size >= maxPaths
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
    for (const group of this.#groups) this.#addGroup(group, entry, number);
    if (entry.metadata)
      visitScalars(entry.metadata, '', (path, value) => this.#path(path).add(number, value));
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
    const values = this.#sinks.get(code)?.values;
    if (values instanceof HashColumn) values.addTo(into, value);
  }

  numbers(code: string): NumberColumn | undefined {
    const values = this.#sinks.get(code)?.values ?? this.#pathsByCode.get(code)?.numbers;
    return values instanceof NumberColumn ? values : undefined;
  }

  times(column: TimeColumn): NumberColumn {
    return this.#times[column];
  }

  pathCode(path: string): string | undefined {
    return this.#pathCodes.get(path);
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
    return this.#pathCodes;
  }

  /** The codes that have terms. */
  *termCodes(): Generator<string> {
    yield WORD;
    yield EXISTS;
    for (const [code, { values }] of this.#sinks)
      if (values instanceof TextValues || values instanceof AddressValues) yield code;
    for (const [code, { texts, booleans }] of this.#pathsByCode) {
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
    for (const [code, { values }] of this.#sinks)
      if (values instanceof NumberColumn || values instanceof HashColumn) yield [code, values];
    for (const [code, { numbers }] of this.#pathsByCode) if (numbers) yield [code, numbers];
  }

  #sinkOf(field: Field): FieldSink {
    const code = fieldCode(field);
    const present = this.arena.newTerm('');
    const key = field.path.at(-1)!;
    if (field.unique) return { code, key, present, values: new HashColumn() };
    if (field.kind === 'number') return { code, key, present, values: new NumberColumn() };
    if (field.kind === 'ip') return { code, key, present, values: new AddressValues(this.arena) };
    const words = field.search === 'words' ? this.#words : undefined;
    return { code, key, present, values: new TextValues(this.arena, words) };
  }

  #addTrail(trail: string, number: number): void {
    let term = this.#trails.get(trail);
    if (term === undefined) {
      term = this.arena.newTerm(trail);
      this.#trails.set(trail, term);
    }
    this.arena.add(term, number);
  }

  #addGroup({ path, many, sinks }: SinkGroup, entry: Entry, number: number): void {
    let parent: unknown = entry;
    for (const step of path) {
      parent = (parent as Record<string, unknown>)[step];
      if (parent === undefined) return;
    }
    if (!many) this.#addObject(parent as Record<string, unknown>, sinks, number);
    else
      for (const element of parent as readonly Record<string, unknown>[])
        this.#addObject(element, sinks, number);
  }

  #addObject(parent: Readonly<Record<string, unknown>>, sinks: readonly FieldSink[], number: number): void {
    for (const { key, present, values } of sinks) {
      const value = parent[key];
      if (value === undefined) continue;
      this.arena.add(present, number);
      if (values instanceof NumberColumn) values.add(number, value as number);
      else values.add(number, value as string);
    }
  }

  #path(path: string): PathValues {
    let values = this.#paths.get(path);
    if (values === undefined) {
      const code = pathCode(this.#paths.size);
      values = new PathValues(this.arena, this.#words, path);
      this.#paths.set(path, values);
      this.#pathsByCode.set(code, values);
      this.#pathCodes.set(path, code);
    }
    return values;
  }

  #values(code: string): FieldSink['values'] | undefined {
    const field = this.#sinks.get(code)?.values;
    if (field || !code.endsWith(TEXTS)) return field;
    return this.#pathsByCode.get(code.slice(0, -TEXTS.length))?.texts;
  }

  #booleans(code: string): ReadonlyMap<string, number> | undefined {
    return code.endsWith(BOOLEANS)
      ? this.#pathsByCode.get(code.slice(0, -BOOLEANS.length))?.booleans
      : undefined;
  }

  #term(code: string, value: string): number | undefined {
    if (code === WORD) return this.#words.get(value);
    if (code === EXISTS) return (this.#sinks.get(value) ?? this.#pathsByCode.get(value))?.present;
    const values = this.#values(code);
    return values instanceof TextValues || values instanceof AddressValues
      ? values.get(value)
      : this.#booleans(code)?.get(value);
  }

  *#present(): Generator<readonly [code: string, term: number]> {
    for (const [code, { present }] of [...this.#sinks, ...this.#pathsByCode])
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

/** Times are columns of their own, and trails have their own terms. */
const isIndexed = ({ kind, name }: Field): boolean => kind !== 'time' && name !== 'trail';

function groupsOf(table: readonly Field[], sinkOf: (field: Field) => FieldSink): SinkGroup[] {
  const groups = new Map<string, { path: readonly string[]; many: boolean; sinks: FieldSink[] }>();
  for (const field of table) {
    const path = field.path.slice(0, -1);
    const key = path.join('.');
    const group = groups.get(key) ?? { path, many: field.many, sinks: [] };
    groups.set(key, group);
    group.sinks.push(sinkOf(field));
  }
  return [...groups.values()];
}
