import { ipKey, wordsOf } from '@sealtrail/core';
import { NumberColumn } from './numbers.ts';
import type { PostingArena } from './postings.ts';
import { termValue } from './terms.ts';

/** Longer values are told apart by their cut form, so that none of them stays in memory. */
const maxKeptLength = 2048;

/** The words of all texts, as terms of an arena. */
export class WordTerms {
  readonly #arena: PostingArena;
  readonly #terms: Map<string, number> = new Map();
  /** Lists of terms of words, one after the other. */
  #lists: Uint32Array = new Uint32Array(1 << 14);
  #used = 0;

  constructor(arena: PostingArena) {
    this.#arena = arena;
  }

  get terms(): ReadonlyMap<string, number> {
    return this.#terms;
  }

  get(word: string): number | undefined {
    return this.#terms.get(termValue(word));
  }

  /** Adds the words of a text that is not expected again. */
  add(entry: number, text: string): void {
    for (const word of wordsOf(text)) this.#arena.add(this.#term(word), entry);
  }

  /** Keeps the list of the words of a text; returns its place. */
  listOf(text: string): number {
    const words = wordsOf(text);
    if (this.#used + words.length >= this.#lists.length) {
      const larger = new Uint32Array((this.#lists.length + words.length) * 2);
      larger.set(this.#lists);
      this.#lists = larger;
    }
    const place = this.#used;
    this.#lists[this.#used++] = words.length;
    for (const word of words) this.#lists[this.#used++] = this.#term(word);
    return place;
  }

  /** Adds the words of a list. */
  addList(entry: number, place: number): void {
    const end = place + this.#lists[place]!;
    for (let i = place + 1; i <= end; i++) this.#arena.add(this.#lists[i]!, entry);
  }

  #term(word: string): number {
    const key = termValue(word);
    let term = this.#terms.get(key);
    if (term === undefined) {
      term = this.#arena.newTerm(key);
      this.#terms.set(key, term);
    }
    return term;
  }
}

/** The text values of one field, each a term, with the words in them. */
export class TextValues {
  readonly #arena: PostingArena;
  readonly #words: WordTerms | undefined;
  /** Places of values in the two lists below. */
  readonly #places: Map<string, number> = new Map();
  readonly #terms: number[] = [];
  /** Names and user agents come again and again: where the list of their words is. */
  readonly #lists: number[] = [];
  readonly #cutTerms: Map<string, number> = new Map();

  /** @param words where the words of the values go, if anywhere */
  constructor(arena: PostingArena, words: WordTerms | undefined) {
    this.#arena = arena;
    this.#words = words;
  }

  get count(): number {
    return this.#places.size + this.#cutTerms.size;
  }

  add(entry: number, value: string): void {
    if (value.length > maxKeptLength) {
      this.#addCut(entry, value);
      return;
    }
    let place = this.#places.get(value);
    if (place === undefined) {
      place = this.#terms.length;
      this.#places.set(value, place);
      this.#terms.push(this.#arena.newTerm(value));
      if (this.#words) this.#lists.push(this.#words.listOf(value));
    }
    this.#arena.add(this.#terms[place]!, entry);
    this.#words?.addList(entry, this.#lists[place]!);
  }

  get(value: string): number | undefined {
    if (value.length > maxKeptLength) return this.#cutTerms.get(termValue(value));
    const place = this.#places.get(value);
    return place === undefined ? undefined : this.#terms[place];
  }

  /** Every value as terms hold it, with its term. */
  *entries(): Generator<readonly [value: string, term: number]> {
    for (const [value, place] of this.#places) yield [termValue(value), this.#terms[place]!];
    yield* this.#cutTerms;
  }

  #addCut(entry: number, value: string): void {
    const key = termValue(value);
    let term = this.#cutTerms.get(key);
    if (term === undefined) {
      term = this.#arena.newTerm(key);
      this.#cutTerms.set(key, term);
    }
    this.#arena.add(term, entry);
    this.#words?.add(entry, value);
  }
}

/** The addresses of one field: a term for each address, however it is spelled. */
export class AddressValues {
  readonly #arena: PostingArena;
  readonly #terms: Map<string, number> = new Map();
  readonly #spellings: Map<string, number> = new Map();

  constructor(arena: PostingArena) {
    this.#arena = arena;
  }

  get count(): number {
    return this.#terms.size;
  }

  add(entry: number, value: string): void {
    let term = this.#spellings.get(value);
    if (term === undefined) {
      const key = ipKey(value);
      if (key === undefined) return;
      term = this.#terms.get(key);
      if (term === undefined) {
        term = this.#arena.newTerm(key);
        this.#terms.set(key, term);
      }
      this.#spellings.set(value, term);
    }
    this.#arena.add(term, entry);
  }

  get(key: string): number | undefined {
    return this.#terms.get(key);
  }

  entries(): Iterable<readonly [key: string, term: number]> {
    return this.#terms;
  }
}

/** Everything at one path of `metadata`: texts, booleans and numbers apart, each made when it is first needed. */
export class PathValues {
  texts: TextValues | undefined;
  numbers: NumberColumn | undefined;
  booleans: Map<string, number> | undefined;
  readonly present: number;
  readonly #arena: PostingArena;
  readonly #words: WordTerms;

  constructor(arena: PostingArena, words: WordTerms, path: string) {
    this.#arena = arena;
    this.#words = words;
    this.present = arena.newTerm(path);
  }

  add(entry: number, value: string | number | boolean): void {
    this.#arena.add(this.present, entry);
    if (typeof value === 'string') {
      this.texts ??= new TextValues(this.#arena, this.#words);
      this.texts.add(entry, value);
    } else if (typeof value === 'number') {
      this.numbers ??= new NumberColumn(8);
      this.numbers.add(entry, value);
    } else {
      this.booleans ??= new Map();
      let term = this.booleans.get(String(value));
      if (term === undefined) {
        term = this.#arena.newTerm('');
        this.booleans.set(String(value), term);
      }
      this.#arena.add(term, entry);
    }
  }
}
