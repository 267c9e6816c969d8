import { PathValues, type WordTerms } from './field-values.ts';
import type { PostingArena } from './postings.ts';
import { pathCode } from './terms.ts';

/** What entries have in `metadata`, by path. Each path gets a code when it is first seen. */
export class MetadataPaths {
  readonly #arena: PostingArena;
  readonly #words: WordTerms;
  readonly #paths: Map<string, PathValues> = new Map();
  readonly #codes: Map<string, string> = new Map();
  readonly #byCode: Map<string, PathValues> = new Map();

  /** @param words where the words of texts go */
  constructor(arena: PostingArena, words: WordTerms) {
    this.#arena = arena;
    this.#words = words;
  }

  /** Paths and their codes. */
  get codes(): ReadonlyMap<string, string> {
    return this.#codes;
  }

  /** Codes and what is at their paths. */
  get byCode(): ReadonlyMap<string, PathValues> {
    return this.#byCode;
  }

  add(entry: number, path: string, value: string | number | boolean): void {
    const values = this.#paths.get(path) ?? this.#newPath(path);
    values.add(entry, value);
  }

  #newPath(path: string): PathValues {
    const code = pathCode(this.#paths.size);
    const values = new PathValues(this.#arena, this.#words, path);
    this.#paths.set(path, values);
    this.#codes.set(path, code);
    this.#byCode.set(code, values);
    return values;
  }
}
